# `make docs`: the pages and the manual as a folder of HTML that needs no server and no
# script, build/site/index.html first. Needs cmark-gfm and mandoc (Debian has both).
docs_pages = README.md CHANGELOG.md SECURITY.md docs/tutorial.md docs/explorer.md \
  docs/methods.md docs/models.md docs/faq.md docs/comparison.md docs/cluster.md docs/results-db.md bench/real/README.md \
  assets/demo/README.md
EXTRA_DIST += docs/site.sh docs/site.css docs/readme_frame.sh
PHONY_TARGETS += docs
docs:
	sh '$(srcdir)/docs/site.sh' '$(srcdir)' site '$(PACKAGE_VERSION)' $(docs_pages)
