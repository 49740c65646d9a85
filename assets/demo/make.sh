#!/bin/sh
# Makes assets/demo again, in WORK (a folder that does not exist; default
# build/make-demo), from Debian's fonts and Python packages of the package index:
#
#     assets/demo/make.sh [WORK]
#
# Run it in the top folder after ./setup build, on Debian 12 with python3-venv. It
# takes about five minutes on one core. The result is WORK/demo. Training is the
# same bit for bit on one kind of processor; on another the last digits differ.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${1-build/make-demo}
pwemoe=$(cd "${BUILD-build}" && pwd)/pwemoe
mkdir "$work"
cd "$work"

fonts="fonts-allerta=2.01+dfsg1-4 fonts-anonymous-pro=1.003-4
fonts-averia-sans-gwf=1.00-2.1 fonts-averia-serif-gwf=1.00-2.1 fonts-b612=1.008-3
fonts-cabin=1.5-3 fonts-cantarell=0.303.1-1 fonts-cardo=1.04-3 fonts-comfortaa=3.001-3
fonts-comic-neue=2.51-4 fonts-courier-prime=0+git20190115-3
fonts-crosextra-caladea=20200211-1 fonts-crosextra-carlito=20220224-1
fonts-dancingscript=1.2-2 fonts-dejavu-core=2.37-6 fonts-dejavu-extra=2.37-6
fonts-dosis=1.7-3 fonts-ebgaramond=0.016+git20210310.42d4f9f2-1 fonts-fanwood=1.1-7
fonts-firacode=6.2-2 fonts-go=0~20170330-1 fonts-goudybookletter=2010.07.03-6
fonts-inconsolata=001.010-6 fonts-inter=4.0~beta7+ds-1 fonts-jetbrains-mono=2.242+ds-3
fonts-junction=20110525.18de841-1.1 fonts-jura=5.103-3 fonts-karla=20201218-1
fonts-kaushanscript=1.02-2.1 fonts-lato=2.0-2.1 fonts-liberation2=2.1.5-1
fonts-lindenhill=1.2-6 fonts-linuxlibertine=5.3.0-6 fonts-lobster=2.0-2.1
fonts-mononoki=1.5+dfsg-1 fonts-national-park=0.0~20220205-2
fonts-oldstandard=2.2really-4 fonts-open-sans=1.11-2 fonts-play=1.002+20150307.1-0.1
fonts-prociono=2.3-6 fonts-quattrocento=1.1-2.1 fonts-quicksand=0.2016-2.1
fonts-roboto-unhinted=2:0~20170802-3 fonts-sil-andika=6.101-2 fonts-sil-charis=6.101-1
fonts-sil-gentiumplus=6.101-1 fonts-vollkorn=4.105-2"

# The images.
mkdir packages fonts
# shellcheck disable=SC2086
(cd packages && apt-get -q download $fonts)
for package in packages/*.deb; do
    name=$(basename "$package")
    dpkg-deb -x "$package" "fonts/${name%%_*}"
done
python3 -m venv venv
venv/bin/pip -q install numpy==2.4.6 pillow==13.0.0 mlxtend==0.25.0 \
    scikit-image==0.26.0 safetensors==0.8.0
venv/bin/python "$here/make_data.py" fonts data

# The pretrained model: all three tasks at once, briefly, from random weights.
mkdir demo demo/data demo/models
cp "$here/recipe.yaml" "$here/README.md" "$here/make.sh" "$here/make_data.py" demo/
cp -R data/digits data/letters data/surfaces demo/data/
cat >mixture.yaml <<'END'
name: mixture
pretrained: data/start
tasks:
  mixture:
    train: data/mixture/train-images-idx3-ubyte.gz
END
"$pwemoe" init mixture.db mixture.yaml
"$pwemoe" finetune mixture.db --task mixture --out demo/models/pretrained \
    --steps 600 --lr 2e-3 --head-lr-factor 1 --seed 1 --threads 1

# The experts. Their recipe is the demo's, without experts.
sed '/expert:/d; s/: models/: demo\/models/; s/: data/: demo\/data/' demo/recipe.yaml \
    >experts.yaml
"$pwemoe" init experts.db experts.yaml
for task in digits letters surfaces; do
    "$pwemoe" finetune experts.db --task "$task" --out "demo/models/$task" \
        --steps 1200 --lr 1e-3 --head-lr-factor 2 --seed 2 --threads 1
done

# The file that the explorer opens: baselines, routers, a correction, fronts.
cd demo
"$pwemoe" init results.db recipe.yaml
"$pwemoe" merge results.db --method pretrained,stl,average --threads 1
"$pwemoe" merge results.db --method task-arithmetic --scales 0:1:11 --threads 1
"$pwemoe" merge results.db --method ties --scales 0:1:11 --threads 1
"$pwemoe" merge results.db --method fisher,regmean --threads 1
# Models trained whole are measured; they are not part of the demo.
mkdir ../trained
for method in ls epo mgda; do
    "$pwemoe" finetune results.db --method $method --out ../trained/$method \
        --steps 1200 --batch 16 --lr 1e-3 --seed 2 --threads 1
done
# MGDA looks at no preference: its routers' front is one place.
for method in mgda epo ls; do
    "$pwemoe" train results.db --method $method --upscale all --steps 4000 --lr 3e-3 \
        --seed 3 --threads 1
    grid=11
    [ $method != mgda ] || grid=2
    "$pwemoe" front results.db --method $method --grid $grid --threads 1
done
# The grid of eleven has no equal weights.
echo 1,1,1 >../equal.csv
for method in epo ls; do
    "$pwemoe" front results.db --method $method --rays ../equal.csv --threads 1
done
# The correction, which the explorer opens with, and the closed form.
"$pwemoe" train results.db --seed 3 --threads 1
"$pwemoe" front results.db --method distil --grid 11 --threads 1
"$pwemoe" front results.db --method distil --rays ../equal.csv --threads 1
"$pwemoe" front results.db --method wudi --grid 11 --threads 1
"$pwemoe" merge results.db --method wudi --threads 1
"$pwemoe" show results.db front
rm -f results.db-shm
[ -s results.db-wal ] || rm -f results.db-wal
