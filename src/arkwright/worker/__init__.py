"""A worker: a process on any machine that runs attempts for a server, which it speaks to over HTTP alone.

It needs no database, no file of the server and no secret but its token. Parts: `link` speaks to the server, `runner`
holds the attempts, `guard` is the process that kills what has lost its lease, `dask_host` receives attempts, `process`
puts them together.
"""
