"""Fan-out and fan-in: the functions are in a blueprint."""

import azure.durable_functions as df
import azure.functions as func
from word_count import blueprint

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(blueprint)
