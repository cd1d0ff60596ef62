# The service worker's half of the health check, in Node.
node .ci/interop/registry/health_check.js
