"""This module says which words are common in writing about any program, so that they say little about relevance.

In a store of a few hundred records the count of a word says little: "comment" may be in one. benchmarks/common_words.py
made the table, from changelogs, READMEs and docstrings of a thousand packages. Words are stems of the keyword index.
"""

from functools import cache

# What a word may weigh at most: twice the logarithm of one over its share of the texts, less twice three, at least 1.
_BY_WEIGHT = {
    1.0: """
add argument b base build c call chang check class close code com contain creat d data debian default document e error
exampl file fix function gener get given http implement import includ instanc kei like line list mai method modul name
new none now number object on option org packag path provid python rais read releas remov return s see set string
support t test true type unstabl urgenc us valu version x
""",
    1.5: """
ad allow arg bug byte command configur current directori except format g github instal librari make medium must need
pass py request requir run server sourc specifi system text time updat user
""",
    2.0: """
api attribut author case compil defin depend doc each eg f fals field first follow handl header inform input instead
int io match messag non note open paramet pars print process result standard start str tupl upstream valid work write
""",
    2.5: """
avail charact compat connect content context convert date detail dict differ empti enabl encod end execut exist extens
found h html id issu item iter local map mode n o oper order otherwis output patch possibl program project refer
report respons send singl specif stream two v variabl whether window without
""",
    3.0: """
access address alwai applic between binari block both buffer client commit complet control copi core decod dev don
either entri environ event express fail filenam flag form gcc gnu improv indic initi integ interfac intern json level
licens log main metadata multipl normal os param point posit replac self sequenc share sinc size socket sort statu
symbol target thread tool url want warn
""",
    3.5: """
accept addit alreadi annot appli arrai automat avoid bit built callabl collect common config correspond custom dbu def
deprec develop dictionari disabl distribut drop equival etc even exit extra fd featur find float full git group help
ignor imag index info keyword languag last length link linux low m maintain manag mark mean member memori next node
origin overrid p page parser part pattern perform present protocol r re repres rfc root rule runtim schema script
second separ simpl state subclass sy take thu try unix usag via wai wed www zero
""",
    4.0: """
actual anoth behavior builtin bump cach callback cannot caus consid copyright databas debug delet descript detect
determin dir directli displai doesn element expect experiment free fri func futur handler helper host identifi intend
interpret invalid keep lib limit load long longer look mani max mc miss model modifi mon move net off old pair per
place platform port prefix previou problem produc public pypi rang raw regist represent search section secur select
serial shell sign simon space spec special src static still stop store style sun systemd tabl thank token translat
treat tree tue usr util w wait well written xml yield
""",
    4.5: """
abc action activ against algorithm altern append appropri apt archiv assert associ assum async attempt attr back below
bodi bool bsd comment compar compress comput condit construct constructor correct count de dec describ dure effect
email en ensur equal everi extend extract foo frame give global ie init insert itself jan latest least left less liter
locat made makefil mcvitti md might multi necessari network newlin nov null pip polici posix properti pull queri
rather readm readthedoc receiv recurs ref regular resourc right sat sep servic session sever show signatur similar
skip softwar ssl stabl stack strict struct structur summari suppli svg syntax tag termin timeout top txt u underli
unicod upload valueerror var variou vitti within wrap wrapper y
""",
    5.0: """
abov abstract ac app appear architectur around ascii aug badg basic begin better bound branch break bu ca changelog
chunk ci cl classifi clear color compon consist consol continu convers cve daemon datetim declar decor descriptor
design diff direct domain dynam els emit eof extern fast filter final finish graph hash high hook howev img immedi
instanti introduc iso java jul k known len lock loop mac man manual mar markdown master maximum mit namespac neg never
occur oct omit parent pep pointer post pre prefer previous privat queue quot random real reason recommend record rel
relat remot render resolv retriev safe sent sh side signal split statement success switch symlink task thing total
trace traceback transport uniqu unit unless upgrad usual utf verifi web whitespac width
""",
    5.5: """
aaltonen abi abl accord again alia align alloc alt anyth apr arbitrari assign audienc authent backward bar becom bin
bind blob boolean browser caller cancel cc certif checker child clean column combin commandlin comparison complex conf
constant contribut correctli cpython db decim definit due dump duplic enter entir enum escap evalu exactli explicitli
export failur feb forc forward framework gmail gnupg gnutl greater head homepag ident independ integr interact invok
isn jun kernel klose l label larg later lead licensefil lookup ls machin mail major matthia merg metadatavers min
minor much nest numer offset older optim overflow particular password permiss pi pkg plugin pool preserv product
prompt proxi put rc recent remain renam reserv respect restor rich sampl save scope setup shield short shutdown
signedoffbi site small someth stderr strip sub suitabl sure taken tar tcl tell temporari timo tjaalton
tjaaltondebianorg trail trigger turn typic ubuntu union uri variant view whose word year yet z zip
""",
    6.0: """
ab absolut alan alpha apach asynchron auth authoremail auto backend bash behav behaviour beta blank broken builddepend
calcul certain chain channel char cleanup cli cmake commun const consum conveni coopersmith crash creation cross david
deb debhelp descriptioncontenttyp devic digit dist docstr doko dokodebianorg dot doubl down download dpkg ed embed
encount encrypt engin exclud expand factori fallback faster few filelik font fulli further go gpg gtk have hello home
href impli increment indent individu inherit insid instruct ip j join kept kind know leak let licenseexpress lower
macro mechan meta michael minim minimum nativ noth obj ok op openssl outsid overridden pathnam pg plain png po portabl
potenti power pr prevent prior probabl profil projecturl properli pure purpos pv q quit reach readabl reader readlin
regex reject repositori repr requirespython reset round scheme screen sec semant standardsvers stat stdout step suffix
suit tab team templat term three tl topic transform typeerror unchang unknown unus vendor whole workflow
""",
    6.5: """
across ae af affect ai alias along analyz andor andr ap arch arm ask attach await awar bad benchmark best canon capabl
cb cd cgi choic cipher compact concurr constraint cooki counter cover coverag cp crypto cursor dai daniel decompress
deriv dh discard disconnect discuss disk divid edit elf enhanc env exec explicit filesystem flush freedesktop gettext
gitignor good guarante guid gz gzip happen hard higher highlight hint hold hub ibm incompat incomplet inspect
introspect lang larger leav legaci li llvm logic lowercas maco manpag marker microsoft mip mix mostli msg na num
obsolet oracl overview parti partial pc period perl pid pipe pkgconfig precis prepar productionst proper push readi
readonli realli recogn redhat reduc referenc regress reli revers revert row rst ship silent simpli snapshot speed sql
stdin submit suggest sync therefor third though titl togeth toplevel track transit tri trust undefin unlik unpack ur
usabl visibl wiki win
""",
    7.0: """
abort ada adjust administr advanc agent alancoopersmithoraclecom amd amount assembl attack aurel aurelien background
backup bc biebl big bookworm boundari candid care cast catch cf charset choos claus clone come conflict confus convent
cpp cpu cs dc debugg decid delai desir dfsg didn dll driver ds easier edu effici endian es establish everyth exact exp
expir fall famili far fetch fill fit four gaetan ge gitlab glibc gnome googl grep guess histori hostnam human hurd
icon inclus increas inject inlin jarno john lack layout le libc lightweight likewis lintian listen littl ll login logo
lot lt marc march martin measur memsiz memsizevideotronca migrat mod modern modif multilin multithread nadon newer
newli nonzero notic nss obtain opt other pad pend peter plu practic pretti printf prioriti progress propag protect
qualifi question refresh relev repeat restrict retain reus revis routin sai scale sdk segment sha simplifi slash slow
smcv smcvdebianorg solari solut sometim sparc spawn ssh std steve subdirectori subject subsequ substitut suppress
synchron syscal testsuit throw timestamp tracker transfer typo uid upon vector verif videotron virtual warranti watch
websit whenev wish won wrong xz yml
""",
    7.5: """
aa account adapt addr ag aix alter anonym anymor anywai appl approv autoconf automak awai backslash bd benefit binutil
br bugfix carri chri christoph clang cmd co comma concaten configureac conform cost cycl cygwin deal debianrul dep
desktop destin df diagnost discov distro dn ea earlier easi ef elimin emmanuel emul enough especi essenti expos ext
faq fb fc fe ff fine fork freebsd front ftp gc gen glib goe got hierarchi incorrect interest involv jame kill latter
layer learn legal libtool libxml linker lint loader lp magic mainli mainten makefilein malloc manipul mask mayb mesa
monitor ms multiarch nice nonmaintain nonstandard notifi offici often openbsd overwrit past peopl pick powerpc preced
processor proto ps qualiti red refactor refus regener reliabl resolut rest review richard rsa samuel satisfi scalar
scan sd se secret seem seen seri shown signific spell startup storag successfulli sum surfac tarbal tcp themselv think
thirdparti toolchain tr tradit travers truncat tune udev understand univers unnecessari unsign unsupport valgrind ve
verbos visual watson wide wildcard writabl ye zlib
""",
    8.0: """
act although andrea announc asm autodetect autopkgtest ba backport believ beyond bf bootstrap bourg box bring brows
caught ce cert cflag classic cloud colin contact corrupt ctype da dcontrol dd debiancontrol deni depth dirmngr dsa
dummi easili eb ebourg ebourgapacheorg ec ee enforc ex fa fact factor fold fr frontend ftbf gain gi grohn guard haven
helmut histor huge infinit intel janitor jeremi job journal julien kfreebsd launch ld matter meson mozilla offer owner
parallel permit philip pl plan ppc preprocess presenc primari propos publish quick quiet race readwrit rebuild
redirect reflect region restart resum rt salsa sam sens shadow shouldn sig simpler slightli smaller sourceforg st
stage stylesheet talk thoma threadsaf tmp travi unifi vc vs wheel xorg xx xxx
""",
    8.5: """
abil acceler adam alancoopersmithsuncom analysi ar arc armel assumpt atom bb bitmap bracket bt buildtim cell christian
clock colon complain complianc constrain credenti css cv dcopyright debconf debhelpercompat debiancopyright disallow
distinguish drule earli echo err explain figur garbag gdb gillmor glob gnat gnulib gw heap iain ic ieee inc
incorrectli invoc jamei kahn langasek latin lc libatom luca ludov marco matt maven media mention menu mike mingw misc
mk myself notat openpgp osx pdf pem pkc preprocessor proc pthread redund reenabl regard reloc repo reviewedbi rewrit
rgb rivera seed sgml sharp sid sizeof sleep soon standalon stefano stuff super technic thibault twice upcom video
vulner wasn wellknown workaround
""",
    9.0: """
accordingli achiev alexand andrew autogen autom boccassi boot builddep builddir clarifi configurein consequ contrib
cristau dbg divisor do dup fedora foreign gl gpl hack hand hardcod ia infrastructur jameyminilopnet jim josh koch
macosx memset minilop miscellan mount msvc multilib nick nonstat onlin paul postinst prototyp rare reproduc segfault
sergei setuptool showbug situat sonam stefanor stefanordebianorg suse sysv taint temp touch tweak void werner wl
zerolength
""",
}


def ceiling(stem: str) -> float:
    """Return what a stem may weigh at most, however few records of a store hold it."""
    return _ceilings().get(stem, float("inf"))


@cache
def _ceilings() -> dict[str, float]:
    return {stem: weight for weight, stems in _BY_WEIGHT.items() for stem in stems.split()}
