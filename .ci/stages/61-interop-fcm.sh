# FCM against independent implementations: PyPI PyJWT and google-auth (assertions), crate google-fcm1 (every field).
bash .ci/interop/fcm/assertion.sh
bash .ci/interop/fcm/conformance.sh
