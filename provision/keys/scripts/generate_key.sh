# Generates a key to encrypt Secrets with, 32 bytes in base64, and prints it as "key". It is not stored on the host.
generate() { head -c 32 /dev/urandom | base64 -w 0; }
answer key generate
