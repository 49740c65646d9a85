#!/bin/sh
# Two machines, each a network namespace with a host name of its own, and between them a
# wire on which every packet takes 5 ms and one in a hundred gets lost: routers and
# figures are to the bit those of two ranks on one machine, and the bytes that travel are
# those on paper. Needs root, /dev/net/tun, ip and Open MPI.
set -eu
skip() {
    echo "skipped: $1"
    exit 77
}
[ "$(id -u)" = 0 ] || skip "only root makes network namespaces"
[ -c /dev/net/tun ] || skip "there is no /dev/net/tun"
command -v ip >/dev/null || skip "there is no ip (install iproute2)"
[ -e src/parallel/pwemoe-mpi.so ] || skip "this build has no MPI module"
mpirun --version 2>/dev/null | grep -q 'Open MPI' || skip "there is no mpirun of Open MPI"

folder=$(mktemp -d "${TMPDIR:-/tmp}/pwemoe-wire-XXXXXX")
name=pw$$
wire=
clean() {
    # A namespace that goes while its device is in it takes the wire's end along.
    [ -z "$wire" ] || kill "$wire" 2>/dev/null || true
    ip netns del ${name}a 2>/dev/null || true
    ip netns del ${name}b 2>/dev/null || true
    rm -rf "$folder"
}
trap clean EXIT
trap 'exit 1' INT TERM

if ! ip netns add ${name}a 2>"$folder/why" || ! ip netns add ${name}b; then
    skip "no network namespaces here: $(cat "$folder/why")"
fi
tests/parallel/wire ${name}a ${name}b 5 1 >"$folder/wire" 2>&1 &
wire=$!
tries=0
until grep -q ready "$folder/wire" 2>/dev/null; do
    kill -0 $wire 2>/dev/null || skip "no TAP devices here: $(cat "$folder/wire")"
    tries=$((tries + 1))
    [ $tries -lt 600 ] || { echo "the wire does not start"; exit 1; }
    sleep 0.1
done
number=0
for end in a b; do
    number=$((number + 1))
    ip link set $name$end netns $name$end
    ip -n $name$end addr add 10.77.0.$number/24 dev $name$end
    ip -n $name$end link set $name$end up
    ip -n $name$end link set lo up
done

# What mpirun takes for ssh: it starts its daemon on the second machine.
cat >"$folder/agent" <<AGENT
#!/bin/sh
shift
exec ip netns exec ${name}b unshare --uts sh -c "hostname pwemoe-b; \$*"
AGENT
chmod +x "$folder/agent"

cp -R "$srcdir/assets/demo" "$folder/demo"
chmod -R u+w "$folder/demo"
cp "$folder/demo/results.db" "$folder/demo/wire.db"
mv "$folder/demo/results.db" "$folder/demo/near.db"

export PWEMOE_MODULE_DIR=src/parallel OMPI_ALLOW_RUN_AS_ROOT=1 \
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_hwloc_base_binding_policy=none \
    OMPI_MCA_pml=ob1 OMPI_MCA_btl_vader_single_copy_mechanism=none \
    ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
x="-x PWEMOE_MODULE_DIR -x ASAN_OPTIONS"

near() {
    OMPI_MCA_plm=isolated OMPI_MCA_btl=self,vader,tcp OMPI_MCA_btl_tcp_if_include=lo \
        OMPI_MCA_oob_tcp_if_include=lo OMPI_MCA_rmaps_base_oversubscribe=1 \
        mpirun --timeout 600 -n 2 ./pwemoe "$@"
}
far() {
    ip netns exec ${name}a unshare --uts sh -c 'hostname pwemoe-a; exec "$@"' sh \
        env OMPI_MCA_plm=rsh OMPI_MCA_plm_rsh_agent="$folder/agent" \
        OMPI_MCA_btl=self,tcp OMPI_MCA_btl_tcp_if_include=10.77.0.0/24 \
        OMPI_MCA_oob_tcp_if_include=10.77.0.0/24 \
        mpirun --timeout 600 --host 10.77.0.1:1,10.77.0.2:1 $x -n 2 "$@"
}

# They are two machines.
far hostname | sort >"$folder/hosts"
printf 'pwemoe-a\npwemoe-b\n' | cmp - "$folder/hosts" || {
    cat "$folder/hosts"
    exit 1
}

train="--method epo --upscale mlp --steps 20 --batch 5 --threads 1"
near train "$folder/demo/near.db" $train >"$folder/near.out" 2>"$folder/near.err"
far ./pwemoe train "$folder/demo/wire.db" $train >"$folder/wire.out" 2>"$folder/wire.err"
# 8 bytes for each of modules x groups x tasks, tasks, and two more; under EPO a group is
# a task.
run=$(./pwemoe show "$folder/demo/near.db" routers --format csv | tail -n 1 | cut -d, -f1)
modules=$(./pwemoe show "$folder/demo/near.db" routers --run "$run" --format csv |
    tail -n +2 | wc -l)
for end in near wire; do
    grep -q "this one sent $((8 * (modules * 3 * 3 + 3 + 2))) bytes a step" \
        "$folder/$end.err" || {
        echo "not the bytes of $modules modules:"
        cat "$folder/$end.err"
        exit 1
    }
done

front="--run $run --grid 3 --limit 60 --threads 1 --quiet --format csv"
near front "$folder/demo/near.db" $front >"$folder/near.front"
far ./pwemoe front "$folder/demo/wire.db" $front >"$folder/wire.front"

# Figures and hashes, not when, how long and in which order.
columns() {
    ./pwemoe show "$1" solutions --all --method epo --format csv | awk -F, '
        { sub(/\r$/, "") }
        NR == 1 { for (i = 1; i <= NF; i++) if ($i !~ /^(id|created|seconds|peak_bytes)$/)
                      kept[++n] = i }
        { for (i = 1; i <= n; i++) printf "%s,", $kept[i]; print "" }' | sort
}
before=$(./pwemoe show "$srcdir/assets/demo/results.db" solutions --all --method epo \
    --format csv | wc -l)
columns "$folder/demo/near.db" >"$folder/near.csv"
columns "$folder/demo/wire.db" >"$folder/wire.csv"
rows=$(($(wc -l <"$folder/wire.csv") - before))
[ $rows -ge 6 ] || {
    echo "the front has $rows rows"
    exit 1
}
cmp "$folder/near.csv" "$folder/wire.csv"
for end in near wire; do
    ./pwemoe show "$folder/demo/$end.db" training --format csv >"$folder/$end.losses"
done
cmp "$folder/near.losses" "$folder/wire.losses"
echo "two machines: $modules modules, a front of $rows"
