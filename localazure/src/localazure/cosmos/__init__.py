"""A Cosmos DB for NoSQL account on this machine, for the official `azure-cosmos` clients.

One process serves one SQLite file. Requests are answered on one event loop, and every write runs from BEGIN to COMMIT
without giving the loop away: that is what makes batches atomic, ETag checks free of races and the change feed
complete. Only queries over many items leave the loop, for a thread that reads a snapshot.

    python -m localazure.cosmos --port 8081 --data cosmos.sqlite
"""
