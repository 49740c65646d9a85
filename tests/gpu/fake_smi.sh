#!/bin/sh
# Answers as nvidia-smi does.
case "$*" in
*driver_version*) echo "580.159.04, 143771, 700.00" ;;
*clocks*) echo "1980, 3201, 1980, [N/A]" ;;
*memory.used*) echo "1234" ;;
*) printf '+----+\n| NVIDIA-SMI 580.159.04   Driver Version: 580.159.04   CUDA Version: 13.0     |\n' ;;
esac
