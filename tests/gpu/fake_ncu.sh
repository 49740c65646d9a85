#!/bin/sh
# Answers as Nsight Compute does: runs the program, and writes what it measured of two
# kernels to the file after --log-file.
while [ $# -gt 0 ]; do
    case $1 in
    --log-file)
        file=$2
        shift 2
        ;;
    --metrics | --profile-from-start | --clock-control | --launch-count) shift 2 ;;
    --*) shift ;;
    *) break ;;
    esac
done
"$@" || exit $?
cat >"$file" <<'END'
==PROF== Connected
"ID","Kernel Name","Metric Name","Metric Unit","Metric Value"
"0","void merge_kernel<float>(int)","gpu__time_duration.sum","us","1,500.5"
"0","void merge_kernel<float>(int)","dram__bytes.sum","Mbyte","3,000"
"0","void merge_kernel<float>(int)","launch__registers_per_thread","register/thread","64"
"1","add_kernel(int)","gpu__time_duration.sum","ns","500"
END
