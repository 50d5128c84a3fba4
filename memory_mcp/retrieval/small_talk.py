"""This module lists the words that people put around a question, in any conversation about any program."""

_ENGLISH = """
able again something somebody someone somehow somewhere ago ahead almost alone along already alright although always
anybody anymore anyone anything anyway apparently appreciate around ask asked asking attached away back bad
basically become begin behind believe below beside best better beyond big bit bother box bring brings brought bunch
busy came cannot careful carefully case certain certainly chance chat cheers clear clearly colleague colleagues come
comes coming completely confused context could couple course cover crazy curious currently customer customers dear
decided deep deeply definitely despite details dig digging directly done double dont during each early easy either
else end ended engineer enough entire especially etc even evening eventually ever every everybody everyone
everything exactly example except exist existing expect expected expert explain explanation extra face fact fail far
feel feels few figure figured final finally find fine finish finished first fix folks follow following forgot former
forward found free friday friend fully fun further gave generally get gets getting give given gives glad go goes
going gone good got grateful great guess guy guys half hand happen happened happening happens happy hard hardly hate
haven hear heard hello help helped helpful helping helps hence hey hi history hit holiday hold honest honestly hope
hopefully hoping hour hours however huge hundred hurry idea ideas im imagine immediately important including indeed
information inside instead interesting involved isn issue issues ive job joined keep keeps kept kind kindly knew
know known knows last lastly late lately later latest least leave left less let lets life like likely little live ll
long longer look looked looking looks lost lot lots love luck lunch made mainly make makes making man manager
managed many matter may maybe mean means meant meanwhile meet meeting mention mentioned mess middle might mind
minute minutes moment monday month months morning mostly move moved moving much must myself need needed needs
neither never nevertheless new next nice night nobody none normal normally nothing notice noticed now nowhere number
obvious obviously occasionally odd often oh ok okay old ones ought ourselves output outside overall overnight part
particular particularly past paste pasted people per perhaps person piece place plain plan planned plans plus point
possible possibly present pretty previous previously prior probably problem problems proceed production properly
provide push put question questions quick quickly quite ran rather read ready real really reason reasoning reasons
recent recently regarding related release remain remember reply reproduce request require rest restart restarted
result results right room run running runs said saturday saw say saying says scratch second seconds see seeing seem
seemed seems seen send senior sense sent seriously several shall share ship short shortly should show showed shows
side similar simple simply since single situation slightly slow soon sorry sort staging start started starting
starts stay step steps still stop stopped strange stuck stuff suddenly suggest suggestion suggestions sunday
supposed sure surprised surely take taken takes taking talk talked talking tasks team teammate tell tells tend thank
thanks thing things think thinking third thorough thoroughly though thought thoughts thousand thursday ticket till
time times today together told tomorrow tonight took top totally touch touched trace tried tries trouble truly try
trying tuesday turn turned turns twice two under understand unfortunately unless unlike unrelated unsure urgent use
used useful user usual usually various ve via wait waiting wanna want wanted wants wasn way ways wednesday week
weekend weeks weird welcome went whatever whenever wherever whether while whole wish won wonder wondering work
worked working works world worried worse worst worth wouldn write wrong year years yes yesterday yet
"""
_GERMAN = """
aber alle allem allen aller alles als also am an auch auf aus bei beim bin bis bist bitte da dabei dafür damit
danach danke dann daran darauf das dass davon dazu dein deine dem den denn der des dich die dies diese diesem diesen
dieser dieses dir doch dort du durch ein eine einem einen einer eines einfach einige einmal er es etwas euch euer
für ganz gerade gern gestern gibt gleich gut guten habe haben hab halt hallo hat hatte heute hier hilfe ich ihm ihn
ihnen ihr ihre im immer in ist ja jede jeder jetzt kann kannst kein keine können könnte könntest leider liebe mal
man mehr mein meine mich mir mit morgen muss müssen nach nicht nichts noch nun nur ob oder ohne schon sehr sein
seine seit sich sie sind so soll sollen sollte sondern über um und uns unser unter viel vielen vielleicht vom von
vor wann war waren warum was weil weiß welche wenn wer werden wie wieder will wir wird wirklich wo wollen wurde
würde zu zum zur zwar zwischen
"""
SMALL_TALK = frozenset(_ENGLISH.split()) | frozenset(_GERMAN.split())
