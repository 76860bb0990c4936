# ${aaa} and ${bbb} are replaced by the run's parameters; ${HOME} is not a parameter and stays the shell's own.
echo "${aaa} + ${bbb} = $1, says a program in the home folder ${HOME}"
