# FCM against independent implementations: PyPI PyJWT and google-auth (assertions), crate google-fcm1 (every field), npm and
# PyPI firebase-admin (random messages).
bash .ci/interop/fcm/assertion.sh
bash .ci/interop/fcm/conformance.sh
bash .ci/interop/fcm/encoders.sh
