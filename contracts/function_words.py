"""What tells languages of Latin script apart: words that say nothing, how words end, and which letters there are.

Of languages that full text does not know there are few: they only have to be told from those that it does.
"""

FUNCTION_WORDS = {
    "en": "the of and to in is was that for it with as his on be at by had are but from they which you were her she "
    "there would their we him been has when who will no more if out so said what up its about into than them "
    "can only this have or an not he i a do did does how where why my your our these those then please all "
    "any some other new after before between over under during while could should must may might us me each "
    "every both most such also here now very through against because until without within whose per toward "
    "towards",
    "de": "der die das und ist nicht ein eine einer einem einen des dem den von zu mit sich auf für im es auch als "
    "an er sie so dass daß kann aus wird bei noch wie oder war haben hat aber nach nur wenn werden über zum "
    "zur durch wir ihr ich mein sein seine ihre sind unter vor bis mehr um am was wo kein keine bitte hier "
    "uns wer wann warum du bist dein deine unser unsere ihren ihrem ihrer seinen seinem dieser diese dieses "
    "diesem diesen jeder jede jedes sehr schon immer ohne gegen zwischen während wurde wurden waren wäre "
    "würde könnte muss müssen soll sollte will wollen alle alles man gibt ins vom beim damit weil obwohl ob "
    "denn doch dann da mich dich ihm ihn euch",
    "fr": "le la les des et est un une du dans que qui ne pas pour sur avec au aux ce cette ces il elle ils elles "
    "nous vous je son sa ses leur leurs mais ou où par plus sont été être ont fait comme se en de très tout "
    "tous sans qu y lui eux moi toi ton tes mon mes notre nos votre vos quand quel quelle quels quelles "
    "pourquoi comment quoi si a à avait avaient était étaient sera serait peut doit chaque toute toutes autre "
    "autres entre sous vers chez depuis pendant après avant contre lors afin car donc ni bien aussi encore "
    "déjà jamais rien personne ici là faisait faire veuillez parce es",
    "es": "el la los las de y que en un una es no se por con para su sus al del lo como más pero este esta estos "
    "fue ha son era ser sin sobre también entre hasta hay donde quien desde todo nos muy cuando yo ella ellos "
    "unos está dónde quién cuál cuándo cómo qué cuánto cuánta cuántos si ya porque aunque esto eso ese esa "
    "estas todos toda todas otro otra otros había han hace hacía tiene tienen puede después antes durante "
    "contra según cada mi tu te me le les nuestro nuestra aquí allí ni o e nada nadie algo mucho mucha muchos "
    "menos así aún estáis estás soy eres favor",
    "it": "il lo la i gli le di e che è un una in non per con del della dei delle degli nel nella al alla ai da dal "
    "dalla sono come ma più si anche se o ha era questo questa loro suo sua essere stato ci tra fra molto "
    "quando hanno dov dove chi cosa perché quanto quanta quale quali dello nello nei nelle negli allo alle "
    "agli dallo dai dalle sul sulla sui sulle sugli un uno mi ti vi ne io tu lui lei noi voi mio mia tuo tua "
    "nostro nostra suoi sue questi queste quello quella quelli ogni tutto tutti tutta tutte altro altra altri "
    "dopo prima durante contro verso senza sotto sopra ancora già mai nessuno nulla niente qui qua là così "
    "sia fu erano aveva stata stati fatto prega",
    "pt": "o a os as de que e em um uma é não se por com para seu sua do da dos das no na nos nas ao à pelo pela "
    "mais mas foi como são ser tem muito também até ele ela eles já quando sem sobre entre este esta isso "
    "está eu dele dela deles onde quem qual quais quanto quanta porque porquê embora pois nem ou um uns umas "
    "esse essa esses essas aquele aquela aos às pelos pelas num numa cada todo todos toda todas outro outra "
    "outros depois antes durante contra ainda sempre nunca ninguém nada aqui ali lá assim só tão me te lhe "
    "nós você vocês meu minha nosso nossa estava era havia há foram tinha pode fica",
    "nl": "de het een en van in is dat op te zijn met voor niet aan er om ook als dan maar bij nog uit naar door "
    "over ze zij hij wij we ik je haar hun hem die dit deze werd wordt worden was heeft hebben had kan geen "
    "of onder tot al waar wie wat wanneer waarom hoe hoeveel hier daar niemand iets niets elk elke ieder "
    "iedere alle andere veel meer meest tussen tegen tijdens zonder volgens sinds na vanaf toen omdat hoewel "
    "zodat zou zouden moet moeten mag mogen wil willen kunnen zal zullen ben bent waren mijn jouw uw onze ons "
    "jij jullie u elkaar alstublieft dus want toch",
    "sv": "och att det som en ett är på för med av till den inte har om var jag han hon de vi när ska från men hans "
    "hennes efter vid kan sig där hur vad nu så under mellan eller över också ingen ligger",
    "da": "og at det som en et er på for med af til den ikke har om var jeg han hun de vi når skal fra men efter "
    "ved kan sig hvor hvad nu så under mellem eller over også ingen vil blev ble vart etter når ei ikkje",
    "pl": "na do się nie że to jest jak po co tak za od przez przy dla są był była być ale czy gdzie kto kiedy oraz "
    "który która nikt już tylko",
    "cs": "na se je že to do jako po by byl byla být pro ale kde kdo kdy který která si jsou jeho nebo při tak už "
    "nie sa že ako čo kde",
    "ca": "el la els les de i que en un una és no es per amb al del dels com més però aquest aquesta ha són era ser "
    "sense també fins on quan qui va van seu seva ningú però si perquè hi ho això",
    "ro": "și în de la cu pe care este nu o un din ce să a al ale mai pentru fost sunt era unde când cine după prin "
    "nimeni dacă sau lui ei va fi",
    "tr": "ve bir bu da de için ile ne mi m\u0131 çok daha gibi o ama olarak sonra kadar nerede kim var yok değil ya "
    "ki her en ben sen biz",
    "fi": "ja on ei se että oli en ovat hän mutta kun mikä joka missä kuka ole myös kuin niin tai jos eikä kukaan "
    "milloin",
    "hu": "a az és hogy nem is egy van volt de meg ez mint csak már még ha vagy hol ki mi mikor el",
    "id": "yang dan di itu dengan untuk ini dari dalam tidak akan pada juga ke adalah oleh saya ada kapan mana "
    "setelah sudah bisa atau karena",
    "vi": "và của là có không được cho với các trong đã này một người những khi ở đâu ai nó bị để sau",
}
HINDI = (
    "है हैं था थी थे हूँ हो का की के को में से और पर ने यह वह ये वे नहीं कहाँ कहां क्या कौन कब कैसे गया गई गए "
    "किया कर लिए कि एक भी तो ही मैं हम आप"
)

ENDINGS = {
    "en": r"th|^wh|[^l]ing$|ght|ould|ness$|ty$|ly$|ers?$|wn$|ay$|own|ew|ck",
    "de": r"sch|cht|ung(?:en|s)?$|lich|keit|heit|tz|pf|ß|ei[nst]|eu|[äöü]|t$|en$",
    "fr": r"eaux?$|eux$|ées?$|é$|aient$|[a-z]ait$|ment$|tions?$|qu|oi[rst]|ez$|ce$|ier$|[èêçûîôâ]|elle",
    "es": r"ción|ciones|ñ|ll|dad$|mente$|[aeií]dos?$|ía|ue|[aei]mos$|[áíóú]|os$|as$|ita$|ción$",
    "it": r"zion|gli|cch|zz|gg|tt[aeio]$|[àèìòù]$|mente$|[aiu]t[oaie]$|ava(?:no)?$|uo|[^aeiou]i$|ell[aeo]$|ia[mt]o",
    "pt": r"ção|ções|ã|õ|lh|nh|ç|ss[ae]|ê|eir|ém$|dade$|mente$|[aei]ndo$|[ae]va|ou$|ório|agem$",
    "nl": r"ij|aa|oo[^d]|uu|ee[^dmpt]|cht|heid|oe|ui[tsj]|tie$|sch|en$|lijk|gem",
}  # fmt: skip

ALPHABETS = {
    "en": "éèêëïöüçñáà",
    "de": "äöüßéèà",
    "fr": "àâæçéèêëîïôœùûüÿ",
    "es": "áéíóúüñ",
    "it": "àèéìíîòóùú",
    "pt": "áâãàçéêíóôõúü",
    "nl": "éëïöüèêáóij",
    "sv": "åäöéü",
    "da": "åæøéö",
    "pl": "ąćęłńóśźż",
    "cs": "áäčďéěíĺľňóôŕřšťúůýž",
    "ca": "àçèéíïòóúü",
    "ro": "ăâîșşțţ",
    "tr": "çğ\u0131öşüâîû\u0307",
    "fi": "äöåšž",
    "hu": "áéíóöőúüű",
    "id": "é",
    "vi": "\u00c0-\u1ef9\u0300-\u0323",
}
"""Letters that are not ASCII, of the language's own words and of common loans."""
