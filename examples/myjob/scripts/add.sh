# Prints the sum of its two arguments; the last lines a program prints are the node's output.
echo "$(($1 + $2))"
