"""Counts words: one activity lists the pages, one activity per page counts in parallel, the orchestrator adds up."""

import azure.durable_functions as df
import azure.functions as func

blueprint = df.Blueprint()

PAGES = {"home": "welcome to our shop", "about": "we sell paper", "terms": "no returns after thirty days"}


@blueprint.route(route="count-words", methods=["POST"])
@blueprint.durable_client_input(client_name="client")
async def start_count(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return client.create_check_status_response(req, await client.start_new("count_words"))


@blueprint.orchestration_trigger(context_name="context")
def count_words(context: df.DurableOrchestrationContext):
    pages = yield context.call_activity("list_pages", "")
    counts = yield context.task_all([context.call_activity("count_page", page) for page in pages])
    return {"pages": dict(zip(pages, counts, strict=True)), "words": sum(counts)}


@blueprint.orchestration_trigger(context_name="context")
def count_many(context: df.DurableOrchestrationContext):
    """The same, as wide as wanted, in sub-orchestrations."""
    children = [context.call_sub_orchestrator("count_words") for _ in range(context.get_input()["times"])]
    results = yield context.task_all(children)
    return sum(result["words"] for result in results)


@blueprint.activity_trigger(input_name="ignored")
def list_pages(ignored: str) -> list[str]:
    return sorted(PAGES)


@blueprint.activity_trigger(input_name="page")
async def count_page(page: str) -> int:
    return len(PAGES[page].split())
