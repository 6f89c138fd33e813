set -eu

say() { printf '%s\n' "$*" >&2; }

stop() {
  say "Stopped at step $at. Run this script again when it is time: each step looks first."
  exit 1
}

# One line from whoever sits here; at its end everything stops.
ask() {
  printf '%s ' "$*" >&2
  IFS= read -r answer || { say; stop; }
}

step() {
  at=$1
  say
  say "== $1 $2"
  say "   Takes: $3"
}

# Looks, and asks whether it is so already.
already() {
  say "   Looking first:"
  "$1" >&2 || say "   (That look was refused: it may not be there yet.)"
  say "   Good is: $2"
  ask "   Is it so already? [y/N/q]"
  case $answer in
    [Yy]*) return 0 ;;
    [Qq]*) stop ;;
    *) return 1 ;;
  esac
}

# Does it, again and again until it is done, done otherwise, or given up.
attempt() {
  while ! "$1"; do
    say "   That was refused."
    say "   $2"
    ask "   Again, done otherwise, or stop? [a/d/Q]"
    case $answer in
      [Aa]*) ;;
      [Dd]*) return 0 ;;
      *) stop ;;
    esac
  done
}

# Begins what takes long, and goes on; Azure goes on with it whatever becomes of this script.
begin() {
  "$1" >/dev/null </dev/null &
  begun=$!
  say "   Begun, and not waited for: $2"
}

# Waits for what was begun, and does it here where it was refused.
taken_up() {
  say "   Waiting for what was begun."
  wait "$1" || attempt "$2" "$3"
}

# Looks until somebody says that it is as it should be.
see() {
  while :; do
    "$1" >&2 || say "   (That look was refused.)"
    say "   Good is: $2"
    ask "   Is it so? yes, look again, or stop [y/a/Q]"
    case $answer in
      [Yy]*) return 0 ;;
      [Aa]*) ;;
      *)
        say "   $3"
        stop
        ;;
    esac
  done
}

# Somebody says yes, by name.
gate() {
  say "   $1"
  say "   $2"
  ask "   Who says yes? Type the name, or nothing to stop:"
  [ -n "$answer" ] || stop
  say "   Yes, said $answer, $(date -u +%Y-%m-%dT%H:%M:%SZ)."
}

only_when() {
  say "   On a condition: $1."
  ask "   Is that so? [y/N/q]"
  case $answer in
    [Yy]*) return 0 ;;
    [Qq]*) stop ;;
    *) return 1 ;;
  esac
}

back() {
  at=$1
  say
  say "== Back: $1 $2"
  say "   $3"
  ask "   Was it done, and is it to be taken back? [y/N/q]"
  case $answer in
    [Yy]*) return 0 ;;
    [Qq]*) stop ;;
    *) return 1 ;;
  esac
}

at=0
command -v az >/dev/null || { say "There is no az here."; exit 1; }
