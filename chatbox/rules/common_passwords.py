"""Words that common passwords are made of, in lower case and without digits' disguise.

A password is common where nothing but one of these, one of them repeated, or two of them together remains
when digits, punctuation and letters written as digits are taken away (`passwords.check`).
"""

from __future__ import annotations

_PLAIN_WORDS = """
abc abcd access account administrator admin adminadmin airplane alexander alpha amanda america amsterdam andrea
andrew angel angela animal anthony apple april arsenal asd asdf asdfgh ashley austin australia autumn baby babygirl
bailey banana barcelona baseball basketball batman beautiful berlin bestfriend bigdaddy bismillah blabla
blackberry blessed blink blue bond booboo boston brandon brooklyn brother bubbles buster butterfly buttercup
california callofduty calvin camaro canada captain carlos caroline changeit changeme change charles charlie charlotte
chat chatbox cheese chelsea cherry chester chicago chicken chocolate chris christian christopher christmas
claudia coca cola coffee company computer cookie cool corvette cowboy cowboys crystal daddy dallas daniel
daniela darkness david december default demo desktop diamond dolphin dolphins donald dragon dragonball
dreams eagle eagles easter elephant elizabeth eminem enter england estrella everton facebook falcon family
fashion february felix fender ferrari fireman fish fisher flower flowers football forever forget fortnite france
freedom friday friend friends friendship fuckoff fuckyou galaxy gandalf garfield garden gateway george germany ginger
girls giants god godisgood golden golf golfer google grandma green guest guitar guitarra hallo hammer handball
hannah happy harley harleydavidson harry harrypotter heaven heather hello hellokitty hockey holiday home
homework honda honey hottie hunter iceman iloveme iloveyou iloveu india instagram internet ireland isabel isabella
jackson jaguar james january jasmine jason jasper jennifer jeremy jessica jesus jesuschrist john johnny jonathan
jordan joseph joshua july june junior justin karina katherine keyboard killer king kitten kitty klaster knight kristina
ladybug laptop lakers lauren leonardo letmein letmeinnow liberty linkedin linux liverpool login london looking
lovely love loveme lover lovers loveyou lucky maggie manchester manager march margarita marina marlboro marseille martin
marvin master matrix matthew maverick maximus melissa mercedes merlin mexico michael michelle mickey midnight
minecraft mobile monday monica monkey monster moonlight morgan motherfucker mother mountain mounting music
mustang myspace naruto natalie natasha network newyork nicholas nicole nintendo nirvana nothing november
october office oliver opensesame operator orange pa paradise paris pass passcode passpass passphrase password
passwords passwort passw patricia patrick peaches peanut penguin pepper phoenix pikachu pirate playboy players
playstation please pokemon police popcorn porsche portugal power princesa princess private purple qazwsx qazwsxedc
qwe qwer qwert qwerty qwertyui qwertyuiop qweasd qweasdzxc rabbit rachel radio raiders rainbow ranger rangers
rebecca redsox richard robert roberto rockstar rockyou ronaldo root rosebud runescape russia samantha
samsung samuel sandra santiago saturday scooby scorpion scotland sebastian secret secure security september
server service seven shadow shalom shannon shopping silver simple skateboard skyline slipknot smile smokey
snoopy snowball soccer softball soleil someone sophie spain spiderman spring starwars steelers stella steven
student summer sunday sunflower sunshine superman superstar superuser support sweetheart sweetie sweet
swordfish sysadmin system taylor teacher team teddybear temp temporary temppass tequiero test tester testing testtest
thanks theman thomas thunder thursday tiffany tigers tiger tinkerbell titanic toyota trinity trustno trustme
trustnoone tuesday turtle twilight twitter united unknown user username vacation valentina valentine vanessa
veronica victor victoria victory viking vincent volleyball walter warcraft warrior warriors webmaster wednesday
welcome whatever william willow wilson windows winner winter wizard wolf wolverine work world yankees yellow yourmom
zaq zaqxsw zxc zxcv zxcvbn zxcvbnm
"""
_OTHER_LANGUAGES = """
azerty azertyuiop bonjour camille chouchou doudou jetaime loulou motdepasse soleil amour bienvenue coucou
hallo hallowelt ichliebedich passwort kennwort schatz sommer willkommen fussball geheim frankfurt hamburg deutschland
contrasena contraseña teamo tequiero hola mariposa bonita corazon estrellas bienvenido realmadrid alejandro
senha senhasenha flamengo corinthians palmeiras brasil gabriel felicidade bemvindo
ciao amore ciaociao juventus napoli francesco benvenuto wachtwoord welkom lozenord losenord salasana haslo polska
heslo jelszo parola sifre galatasaray fenerbahce besiktas sayang bangsat indonesia woaini wodemima mima mahal
пароль привет любовь наташа йцукен солнышко добро россия qwertz qwertzuiop gfhjkm lfplhfcmnt
"""
_PHRASES = """
correcthorsebatterystaple correcthorsebattery godblessyou goodmorning goodluck happybirthday happynewyear
helloworld hellothere ihateyou ilovegod ilovejesus ilovemymom ilovemyfamily iloveyouforever iloveyousomuch imissyou
itsasecret justdoit leavemealone letmeinplease lifeisgood lovelovelove maytheforcebewithyou mylittlepony
mynameis mypassword mysecret newpassword nopassword notapassword oldpassword onedirection passwordispassword
securepassword startrek strongpassword thisisapassword thisismypassword thisissecret thisisatest
tobeornottobe trustnobody welcomehome welcometo wordpass yourpassword youandme whatthefuck
defaultpassword temporarypassword changethis changemenow pleasechangeme adminpassword userpassword rootpassword
"""
_NUMBERS = """
0112358132 1123581321 11235813213455 1234567899 1234567891 1233211234567 12344321 1234554321 123454321 1357924680
2468013579 3141592653 31415926535 314159265358 2718281828 1472583690 14725836900 7894561230 1597534862 7418529630
9638527410 1029384756 5647382910 0192837465 1928374650 1478963250 1236987450
"""

BASES = frozenset(f"{_PLAIN_WORDS} {_OTHER_LANGUAGES} {_PHRASES} {_NUMBERS}".split())
