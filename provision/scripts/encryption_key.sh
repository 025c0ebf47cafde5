# Makes a key that Secrets can be encrypted with: 32 bytes in base64. It is printed and kept nowhere.
draw() { head -c 32 /dev/urandom | base64 -w 0; }
answer key draw
