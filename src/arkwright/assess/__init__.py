"""What would run here: jobs from exported zips, judged without a server.

Pure but for reading the zips: the same files always give the same assessment. `reading` collects what the zips hold,
`jobs` judges it, `page` shows it as HTML.
"""
