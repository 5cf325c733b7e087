"""Pictures and pages for people to look at: contact sheets, thumbnails, web pages in one file."""
