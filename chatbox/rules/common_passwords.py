"""Words that common passwords are made of, in lower case and without digits' disguise.

A password is common where nothing but one of these, one of them repeated, or two of them together remains
when digits, punctuation and letters written as digits are taken away (`passwords.check`).
"""

from __future__ import annotations

_PLAIN_WORDS = """
abc abcd access account admin adminadmin administrator airplane alexander alpha amanda america amsterdam
andrea andrew angel angela animal anthony apple april arsenal asd asdf asdfgh ashley austin australia autumn
baby babygirl bailey banana barcelona baseball basketball batman beautiful berlin bestfriend bigdaddy
bismillah blabla blackberry blessed blink blue bond booboo boston brandon brooklyn brother bubbles buster
buttercup butterfly california callofduty calvin camaro canada captain carlos caroline change changeit
changeme charles charlie charlotte chat chatbox cheese chelsea cherry chester chicago chicken chocolate
chris christian christmas christopher claudia coca coffee cola company computer cookie cool corvette cowboy
cowboys crystal daddy dallas daniel daniela darkness david december default demo desktop diamond dolphin
dolphins donald dragon dragonball dreams eagle eagles easter elephant elizabeth eminem england enter
estrella everton facebook falcon family fashion february felix fender ferrari fireman fish fisher flower
flowers football forever forget fortnite france freedom friday friend friends friendship fuckoff fuckyou
galaxy gandalf garden garfield gateway george germany giants ginger girls god godisgood golden golf golfer
google grandma green guest guitar guitarra hallo hammer handball hannah happy harley harleydavidson harry
harrypotter heather heaven hello hellokitty hockey holiday home homework honda honey hottie hunter iceman
iloveme iloveu iloveyou india instagram internet ireland isabel isabella jackson jaguar james january
jasmine jason jasper jennifer jeremy jessica jesus jesuschrist john johnny jonathan jordan joseph joshua
july june junior justin karina katherine keyboard killer king kitten kitty knight kristina ladybug lakers
laptop lauren leonardo letmein letmeinnow liberty linkedin linux liverpool login london looking love lovely
loveme lover lovers loveyou lucky maggie manager manchester march margarita marina marlboro marseille martin
marvin master matrix matthew maverick maximus melissa mercedes merlin mexico michael michelle mickey
midnight minecraft mobile monday monica monkey monster moonlight morgan mother mountain music mustang
myspace naruto natalie natasha network newyork nicholas nicole nintendo nirvana nothing november october
office oliver opensesame operator orange paradise paris pass passcode passpass passphrase passw password
passwords passwort patricia patrick peaches peanut penguin pepper phoenix pikachu pirate playboy players
playstation please pokemon police popcorn porsche portugal power princesa princess private purple qazwsx
qazwsxedc qwe qweasd qweasdzxc qwer qwert qwerty qwertyui qwertyuiop rabbit rachel radio raiders rainbow
ranger rangers rebecca redsox richard robert roberto rockstar rockyou ronaldo root rosebud runescape russia
samantha samsung samuel sandra santiago saturday scooby scorpion scotland sebastian secret secure security
september server service seven shadow shalom shannon shopping silver simple skateboard skyline slipknot
smile smokey snoopy snowball soccer softball soleil someone sophie spain spiderman spring starwars steelers
stella steven student summer sunday sunflower sunshine superman superstar superuser support sweet sweetheart
sweetie swordfish sysadmin system taylor teacher team teddybear temp temporary temppass tequiero test tester
testing testtest thanks theman thomas thunder thursday tiffany tiger tigers tinkerbell titanic toyota
trinity trustme trustno trustnoone tuesday turtle twilight twitter united unknown user username vacation
valentina valentine vanessa veronica victor victoria victory viking vincent volleyball walter warcraft
warrior warriors webmaster wednesday welcome whatever william willow wilson windows winner winter wizard
wolf wolverine work world yankees yellow yourmom zaq zaqxsw zxc zxcv zxcvbn zxcvbnm
"""
_OTHER_LANGUAGES = """
alejandro amore amour azerty azertyuiop bemvindo benvenuto besiktas bienvenido bienvenue bonita bonjour
brasil camille chouchou ciao ciaociao contrasena contraseña corazon corinthians coucou deutschland doudou
estrellas felicidade fenerbahce flamengo francesco frankfurt fussball gabriel galatasaray geheim gfhjkm
hallo hallowelt hamburg haslo heslo hola ichliebedich indonesia jelszo jetaime juventus kennwort lfplhfcmnt
losenord loulou lozenord mahal mariposa mima motdepasse napoli palmeiras parola passwort polska qwertz
qwertzuiop realmadrid salasana sayang schatz senha senhasenha sifre soleil sommer teamo tequiero wachtwoord
welkom willkommen woaini wodemima добро йцукен любовь наташа пароль привет россия солнышко
"""
_PHRASES = """
adminpassword changemenow changethis defaultpassword
godblessyou goodluck goodmorning happybirthday happynewyear hellothere helloworld ihateyou ilovegod
ilovejesus ilovemyfamily ilovemymom iloveyouforever iloveyousomuch imissyou itsasecret justdoit leavemealone
letmeinplease lifeisgood lovelovelove maytheforcebewithyou mylittlepony mynameis mypassword mysecret
newpassword nopassword notapassword oldpassword onedirection passwordispassword pleasechangeme rootpassword
securepassword startrek strongpassword temporarypassword thisisapassword thisisatest thisismypassword
thisissecret tobeornottobe trustnobody userpassword welcomehome welcometo whatthefuck wordpass youandme
yourpassword
"""
_NUMBERS = """
0112358132 0192837465 1029384756 1123581321 11235813213455 1233211234567 12344321 123454321 1234554321
1234567891 1234567899 1236987450 1357924680 1472583690 14725836900 1478963250 1597534862 1928374650
2468013579 2718281828 3141592653 31415926535 314159265358 5647382910 7418529630 7894561230 9638527410
"""

BASES = frozenset(f"{_PLAIN_WORDS} {_OTHER_LANGUAGES} {_PHRASES} {_NUMBERS}".split())
