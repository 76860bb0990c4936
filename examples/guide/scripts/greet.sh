# ${region}: the job's own value wins over the node's scriptArgs, ${greeting} is known to scriptArgs alone.
echo "${greeting} from ${region} on ${day}, ${HOME:+the shell keeps its own}"
