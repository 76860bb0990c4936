# Counts down aloud, so that a restart of the server in the middle can be seen to lose nothing.
left=${seconds}
while [ "$left" -gt 0 ]; do
  echo "$left"
  left=$((left - 1))
  sleep 1
done
