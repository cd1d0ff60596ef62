# Resume tokens against independent implementations: the page docs/resume-token.md in Python, npm jose, PyPI PyJWT, joserfc.
bash .ci/interop/resume/run.sh
# Single use in a real Redis and a real PostgreSQL.
bash .ci/interop/resume/stores.sh
