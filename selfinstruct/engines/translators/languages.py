"""What languages are called: ISO 639-1 codes, and the codes of NLLB and of opus-mt.

Decides: which code of a model belongs to a language, and what is said of an unknown one. Does not
know: models.
"""

import re
from collections.abc import Iterable

from selfinstruct.errors import InputError, unknown_name

_TABLE = (
    "af=afr_Latn am=amh_Ethi ar=arb_Arab as=asm_Beng az=azj_Latn be=bel_Cyrl bg=bul_Cyrl "
    "bn=ben_Beng bs=bos_Latn ca=cat_Latn cs=ces_Latn cy=cym_Latn da=dan_Latn de=deu_Latn "
    "el=ell_Grek en=eng_Latn eo=epo_Latn es=spa_Latn et=est_Latn eu=eus_Latn fa=pes_Arab "
    "fi=fin_Latn fr=fra_Latn ga=gle_Latn gd=gla_Latn gl=glg_Latn gu=guj_Gujr ha=hau_Latn "
    "he=heb_Hebr hi=hin_Deva hr=hrv_Latn ht=hat_Latn hu=hun_Latn hy=hye_Armn id=ind_Latn "
    "ig=ibo_Latn is=isl_Latn it=ita_Latn ja=jpn_Jpan jv=jav_Latn ka=kat_Geor kk=kaz_Cyrl "
    "km=khm_Khmr kn=kan_Knda ko=kor_Hang ku=kmr_Latn ky=kir_Cyrl lb=ltz_Latn lo=lao_Laoo "
    "lt=lit_Latn lv=lvs_Latn mg=plt_Latn mi=mri_Latn mk=mkd_Cyrl ml=mal_Mlym mn=khk_Cyrl "
    "mr=mar_Deva ms=zsm_Latn mt=mlt_Latn my=mya_Mymr nb=nob_Latn ne=npi_Deva nl=nld_Latn "
    "nn=nno_Latn no=nob_Latn oc=oci_Latn or=ory_Orya pa=pan_Guru pl=pol_Latn ps=pbt_Arab "
    "pt=por_Latn ro=ron_Latn ru=rus_Cyrl rw=kin_Latn sd=snd_Arab si=sin_Sinh sk=slk_Latn "
    "sl=slv_Latn sn=sna_Latn so=som_Latn sq=als_Latn sr=srp_Cyrl su=sun_Latn sv=swe_Latn "
    "sw=swh_Latn ta=tam_Taml te=tel_Telu tg=tgk_Cyrl th=tha_Thai tk=tuk_Latn tl=tgl_Latn "
    "tr=tur_Latn tt=tat_Cyrl ug=uig_Arab uk=ukr_Cyrl ur=urd_Arab uz=uzn_Latn vi=vie_Latn "
    "wo=wol_Latn xh=xho_Latn yi=ydd_Hebr yo=yor_Latn zh=zho_Hans zu=zul_Latn"
)

NLLB = dict(pair.split("=") for pair in _TABLE.split())
"""ISO 639-1 to FLORES-200 codes, which are NLLB's. Where a language has several, the one most
written: Chinese is simplified (give zho_Hant for traditional), Arabic is Modern Standard."""

NLLB_CODE = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}")


def nllb_code(language: str, known: Iterable[str]) -> str:
    """Return NLLB's code of a language; raise InputError for one that the model does not have."""
    codes = {code for code in known if NLLB_CODE.fullmatch(code)}
    code = NLLB.get(language, language)
    if code not in codes:
        short = {each for each, long in NLLB.items() if long in codes}
        hint = f"give an ISO 639-1 code, or NLLB's own; it has: {', '.join(sorted(short))}"
        raise unknown_name("language", language, short | codes, hint=hint)
    return code


def marian_code(language: str) -> str:
    """Return what stands in a model's name for a language, as in opus-mt's names.

    Raises InputError for what is neither an ISO 639-1 code, nor NLLB's code of such a language,
    nor three letters, which opus-mt has for others and for families of languages.
    """
    short = {long: short for short, long in reversed(NLLB.items())}.get(language, language)
    if short not in NLLB and not re.fullmatch(r"[a-z]{3}", short):
        hint = "give an ISO 639-1 code such as de, or the three letters that a model's name has"
        raise unknown_name("language", language, {*NLLB, *NLLB.values()}, hint=hint)
    return short


def marian_prefix(target: str, markers: Iterable[str]) -> str:
    """Return the word that tells a model of several target languages which one is wanted.

    `markers` are those that the model has, such as ">>fra<<"; none: it has one language.
    """
    known = sorted(markers)
    if not known:
        return ""
    long = NLLB.get(target, "")
    names = [target, long, long[:3], *(["cmn_Hans", "zho_Hans"] if target == "zh" else [])]
    for name in names:
        if f">>{name}<<" in known:
            return f">>{name}<< "
    has = ", ".join(marker.strip("<>") for marker in known[:20])
    raise InputError(f"the model does not translate to {target!r}", hint=f"it has: {has}")
