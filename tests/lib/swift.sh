# shellcheck shell=bash
# A Swift compiler for Linux machines that have none: Debian's, in a folder of its own that is
# entered by chroot. Sourced by ios/swift; needs tools.sh.

# Where it is, once it is installed.
swift_folder() {
  echo "$PANNIER_CACHE/swift-debian-13"
}

# In a mount and process namespace of its own: whatever is mounted and started in it is gone when
# the command ends, however it ends.
apart=(unshare --mount --propagation private --pid --fork --kill-child --)

install_swift() {
  debian "debootstrap debian-archive-keyring" command -v debootstrap &&
    "${apart[@]}" debootstrap --variant=minbase --include=swiftlang,libc6-dev,libstdc++-14-dev,git \
      --keyring=/usr/share/keyrings/debian-archive-keyring.gpg trixie "$1" &&
    rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/usr/share/{doc,man,locale} &&
    mkdir "$1/host"
}

# in_swift FOLDER CLONE COMMAND...: runs the command there, in the same working directory, with the
# clone, that directory, /tmp, the cache and cargo's target folder at their usual paths, and all of this
# machine in /host. In the place of this shell, so that who ends it ends all of it.
exec_in_swift() {
  local folder=$1 clone=$2
  shift 2
  # shellcheck disable=SC2016 # for the inner shells
  exec "${apart[@]}" bash -c '
    set -euo pipefail
    root=$1 here=$PWD
    shift
    mount --rbind / "$root/host"
    mount --rbind /dev "$root/dev"
    mount -t proc proc "$root/proc"
    while [ "$1" != -- ]; do
      mkdir -p "$root$1"
      mount --bind "$1" "$root$1"
      shift
    done
    shift
    export HOME=/root LANG=C.UTF-8
    exec chroot "$root" env "PANNIER_OUTSIDE=chroot /host" sh -c "cd \"\$1\" && shift && exec \"\$@\"" sh "$here" "$@"
  ' exec_in_swift "$folder" /tmp "$clone" "$PWD" "$PANNIER_CACHE" \
    ${CARGO_TARGET_DIR:+"$(realpath "$CARGO_TARGET_DIR")"} -- "$@"
}
