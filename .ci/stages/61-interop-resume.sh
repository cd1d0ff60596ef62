# Resume tokens against independent implementations: the page docs/resume-token.md in Python, npm jose, PyPI PyJWT, joserfc.
bash .ci/interop/resume/run.sh
