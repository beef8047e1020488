"""The site's pages, each made of what the database holds now."""
