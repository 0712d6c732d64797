"""Functions that follow the change feed.

The feed delivers at least once, and an unhandled error would lose the whole batch. So each document is handled alone;
one that cannot be handled is parked as a dead letter and the rest go on. Only what concerns them all (a service is
down) is raised: the retry policy then repeats the batch until the service is back.
"""
