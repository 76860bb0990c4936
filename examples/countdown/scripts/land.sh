echo "landed, after ${seconds} seconds"
