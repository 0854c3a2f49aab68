/** What the widget says in Arabic. Names are isolated, so that their direction does not turn a sentence around. */

import type { Phrases } from "./english.js";

const isolated = (name: string) => `\u2068${name}\u2069`;
const before = (readable: boolean) => `${readable ? "يمكنه" : "لا يمكنه"} قراءة ما قيل من قبل`;
const rules = new Intl.PluralRules("ar");

/** A number with its noun: Arabic has six forms, of which the noun needs these. */
function counted(count: number, one: string, two: string, few: string, many: string): string {
    switch (rules.select(count)) {
        case "one":
            return one;
        case "two":
            return two;
        case "few":
            return `${count} ${few}`;
        default:
            return `${count} ${many}`;
    }
}

export const phrases: Phrases = {
    tag: "ar",
    direction: "rtl",
    us: "فريقنا",
    names: {
        you: { first: "أنت", inside: "أنت" },
        visitor: { first: "الزائر", inside: "الزائر" },
        somebody: { first: "شخص ما", inside: "شخص ما" },
        nameless: (role) => `شخص (${role})`,
        bot: (name) => `${isolated(name)} (روبوت)`,
    },
    roles: {
        visitor: "زائر",
        agent: "موظف دعم",
        supervisor: "مشرف",
        administrator: "مدير",
        bot: "روبوت",
        vault: "خادم تخزين",
        auditor: "مدقق",
    },
    levels: {
        e2ee: (brand) => `مشفّرة من الطرف إلى الطرف مع فريق دعم ${isolated(brand)}`,
        storage: (brand) => `مشفّرة؛ ويمكن لـ${isolated(brand)} وخدمة المحادثة لديها قراءتها`,
        transport: (brand) => `مشفّرة أثناء النقل؛ وخدمة المحادثة لدى ${isolated(brand)} تحفظها مقروءة`,
        unknown: "جارٍ التحقق ممن يمكنه قراءة هذه المحادثة …",
    },
    team: (name, readers) =>
        readers === undefined
            ? `${isolated(name)} (فريق)`
            : `${isolated(name)} (فريق من ${counted(readers, "شخص واحد", "شخصين", "أشخاص", "شخصًا")})`,
    system: {
        waiting: "رسائلك مشفّرة وتنتظر من يجيب عنها.",
        created: (who) => (who.own ? "بدأتَ المحادثة." : `بدأ ${isolated(who.first)} المحادثة.`),
        joined: (who) => (who.own ? "انضممتَ إلى المحادثة." : `انضم ${isolated(who.first)} إلى المحادثة.`),
        tookOver: (who, from) =>
            `${who.own ? "انضممتَ" : `انضم ${isolated(who.first)}`} إلى المحادثة بدلًا من ${isolated(from.inside)}.`,
        transferring: (who, to, history) =>
            `${who.own ? "تحوّل أنت" : `يحوّل ${isolated(who.first)}`} المحادثة إلى ${
                to === undefined ? "فريق" : isolated(to)
            }، و${before(history)}.`,
        invited: (who, added, role, history) =>
            `${who.own ? "أضفتَ" : `أضاف ${isolated(who.first)}`} ${isolated(added.inside)} (${role})، و${before(history)}.`,
        left: (who) => (who.own ? "غادرتَ المحادثة." : `غادر ${isolated(who.first)} المحادثة.`),
        removed: (who, names) =>
            `${who.own ? "أزلتَ" : `أزال ${isolated(who.first)}`} من المحادثة: ${isolated(names)}.`,
        rekeyed: (who) => (who.own ? "جدّدتَ التشفير." : `جدّد ${isolated(who.first)} التشفير.`),
        closed: (who) => (who.own ? "أغلقتَ المحادثة." : `أغلق ${isolated(who.first)} المحادثة.`),
    },
    states: {
        none: "",
        sending: "جارٍ الإرسال …",
        sent: "أُرسلت",
        delivered: "وصلت",
        read: "قُرئت",
        failed: "لم تُرسل",
    },
    placeholders: {
        unsupported: "هذه الرسالة من نوع لا يستطيع هذا الإصدار عرضه.",
        staffOnly: "كتب الفريق ملاحظة داخلية.",
        beforeJoining: "من قبل انضمامك: لا يمكنك قراءة هذه الرسالة.",
        invalid: (code) => `حُذف شيء لم يكتبه أحد هنا (${isolated(code)}).`,
    },
    marks: {
        "not-acknowledged": "لم يؤكد أحد غيرك هذه الرسالة في الوقت المناسب.",
        "two-with-one-sequence": "أرسل كاتبها رسالتين مختلفتين في موضع واحد.",
        gap: "تنقص رسالة لكاتبها قبل هذه.",
        "time-off": "وقتها غير صحيح.",
    },
    mark: (code) => `تنبيه: ${isolated(code)}`,
    connection: {
        online: "متصل",
        connecting: "جارٍ الاتصال …",
        trying: "غير متصل، تجري المحاولة من جديد …",
        offline: "لا يوجد اتصال بالإنترنت",
        none: "غير متاحة",
    },
    failures: {
        "already-on-roster": "مشارك في هذه المحادثة بالفعل.",
        "cannot-seal": "مفتاح أحدهم غير متوفر، فلا يمكن تشفير شيء له بعد.",
        "claim-first": "حُوّلت المحادثة إليك: تسلّمها أولًا.",
        "content-too-large": "النص طويل جدًا.",
        "epoch-taken": "سبقك شخص آخر.",
        "nothing-to-claim": "سبقك شخص آخر.",
        "insecure-page": "وصلت هذه الصفحة دون تشفير، فلا يمكن بدء محادثة خاصة عليها.",
        "insecure-relay": "كانت الصفحة ستتصل دون تشفير، وهذا مرفوض.",
        "level-not-allowed": "حماية هذه المحادثة لا تسمح بذلك.",
        "no-key": "سُمح لهذا الجهاز بعد بدء المحادثة، ولا يمكنه قراءتها بعد.",
        "no-seal-key": "ليس لديه مفتاح حالي لأنه لم يحضر مؤخرًا.",
        "no-team-key": "لم يحضر أحد من الفريق مؤخرًا ليُنشئ له مفتاحًا.",
        "no-randomness": "لم يوفّر المتصفح أرقامًا عشوائية، فلا يمكن إنشاء مفاتيح.",
        "not-identified": "لم يتمكن هذا الموقع من تحديد هويتك، فلم تبدأ المحادثة. يُرجى المحاولة من جديد.",
        "not-on-roster": "لست مشاركًا في هذه المحادثة.",
        "plan-not-allowed": "لا تسمح الخدمة لهذا الحساب بهذا المستوى أو هذه الباقة أو مدة الحفظ هذه.",
        "policy-not-allowed": "إعدادات الحساب لا تسمح بذلك.",
        "read-only": "المحادثة مفتوحة في علامة تبويب أخرى. هنا يمكن عرضها فقط.",
        "role-not-allowed": "دورك لا يسمح بذلك.",
        "storage-unavailable": "لم يتمكن المتصفح من حفظه.",
        "time-off": "ساعة هذا الجهاز مخطئة بأكثر من عشر دقائق.",
        "too-large": "النص طويل جدًا.",
        "transfer-under-way": "التحويل جارٍ بالفعل.",
        "unknown-account": "لا تعرف الخدمة هذا الحساب.",
        "wasm-not-loaded": "تعذّر تحميل برنامج المحادثة أو لم يكن هو المتوقع.",
        "wasm-unavailable": "لا يسمح هذا المتصفح أو هذه الصفحة بـ\u2068WebAssembly\u2069 الذي يحتاجه التشفير.",
        banned: "هذه المحادثة غير متاحة لك لبعض الوقت.",
        closed: "المحادثة مغلقة.",
        erased: "محت الخدمة هذه المحادثة.",
        expired: "انتهت صلاحية إعدادات الحساب، فلا يمكن إرسال شيء الآن.",
        revoked: "لم يعد يُسمح لهذا الجهاز بالدخول.",
        throttled: "طلبات كثيرة دفعة واحدة. يُرجى الانتظار لحظة.",
        unavailable: "لا تستطيع الخدمة ذلك الآن.",
    },
    failure: (code) => `تعذّر ذلك (${isolated(code)}).`,
    alarms: {
        "audit-fork": "أُعيدت كتابة سجل مدير المفاتيح",
        "audit-rolled-back": "أُعيد سجل مدير المفاتيح إلى حالة سابقة",
        "not-signed": "عُرض مفتاح لم يوقّعه من يحق له ذلك",
        "bad-signature": "لم تكن إحدى الرسائل موقّعة من كاتبها",
        "challenge-repeated": "سألت الخدمة مرتين عن هوية هذا الجهاز",
        "level-not-allowed": "أُضيف شخص تمنعه حماية هذه المحادثة",
        "log-truncated": "تُخفي الخدمة جزءًا من هذه المحادثة",
        "not-authenticated": "لم تنتظر الخدمة لتعرف هوية هذا الجهاز",
        "rolled-back": "عرضت الخدمة إعدادات للحساب أقدم من المعروفة",
        "state-rolled-back": "ما حفظه هذا المتصفح أقدم مما أرسله",
        "time-off": "ساعة هذا الجهاز مخطئة بأكثر من عشر دقائق",
        "two-with-one-sequence": "أرسل أحدهم رسالتين مختلفتين في موضع واحد",
        "wrong-other-seal": "أُعطي أحدهم مفتاحًا خاطئًا",
        "wrong-seal": "أُعطي هذا الجهاز مفتاحًا خاطئًا",
        conflict: "عُرضت نسختان مختلفتان من إعدادات الحساب الموقّعة",
        fork: "عُرضت نسختان مختلفتان من هذه المحادثة",
        gap: "تنقص رسالة",
    },
    alarm: {
        other: "ما وصل ليس ما اتُّفق عليه",
        whole: (what, stops, code) =>
            `هناك خطأ ما: ${what}. ${
                stops ? "حرصًا على سلامتك لن يُرسل شيء آخر من هنا." : "يمكنك متابعة الكتابة."
            } (${isolated(code)})`,
        unreadable:
            "بدأت هذه المحادثة على جهاز آخر، أو محاها هذا المتصفح. يمكنك بدء محادثة جديدة؛ ولا تزال السابقة لدى الفريق.",
        erased: "محت الخدمة هذه المحادثة. ما تراه محفوظ على هذا الجهاز فقط.",
        expired: "لم تعد الخدمة تحفظ هذه المحادثة: انتهت مدتها. ما تراه محفوظ على هذا الجهاز فقط.",
    },
    chat: {
        title: (brand) => `محادثة مع ${isolated(brand)}`,
        away: "تصغير المحادثة",
        save: "حفظ نص المحادثة",
        saveText: "كنص",
        savePage: "كصفحة",
        log: "المحادثة",
        earlier: "رسائل أقدم",
        welcome: "اسألنا عما تشاء. يمكنك الكتابة فورًا، وسيجيبك أحدنا.",
        noStorage: "هذا المتصفح لا يحفظ شيئًا، فتنتهي المحادثة عند مغادرة الصفحة.",
        typing: (who) => `${isolated(who)} يكتب …`,
        label: "رسالتك",
        placeholder: "اكتب رسالة",
        stopped: "لا يمكن إرسال شيء في الوقت الحالي.",
        tooLong: "هذا طويل جدًا لرسالة واحدة.",
        send: "إرسال",
        retry: "إعادة المحاولة",
        discard: "حذف",
        closed: "هذه المحادثة مغلقة.",
        again: "بدء محادثة جديدة",
        end: "إنهاء",
        endIt: "إنهاء المحادثة",
        goOn: "متابعة",
        none: "المحادثة غير متاحة هنا.",
        otherWay: "تواصل معنا بطريقة أخرى",
        returned: (role) => `انضم أحدهم (${role}) قبل إرسال نصك. انظر من يمكنه القراءة، ثم أرسله من جديد.`,
        today: "اليوم",
        yesterday: "أمس",
    },
    note: (author) => (author === undefined ? "ملاحظة داخلية" : `ملاحظة داخلية، ${isolated(author)}`),
    sheet: {
        label: "خصوصية هذه المحادثة",
        back: "رجوع",
        who: "من يمكنه القراءة",
        you: "أنت",
        gateway: "، عبر بوابة",
        pending: "، طُلب منه التسلّم",
        waiting: "إلى أن يتسلّم أحدهم المحادثة يمكن للفريق كله قراءة ما تكتب. وبعد ذلك يقرؤها المذكورون هنا فقط.",
        transferring: "ويُذكر هنا أيضًا من طُلب منه التسلّم.",
        encrypted: "تُشفَّر الرسائل على جهازك لهؤلاء الأشخاص.",
        serviceHasNoKeys: "الخدمة التي تنقل المحادثة لا تملك المفاتيح.",
        noServerHasKeys: "لا يملك أي خادم المفاتيح، ولا الخدمة التي تنقل المحادثة.",
        archived: (brand) =>
            `تحفظ ${isolated(brand)} المفاتيح في مدير مفاتيح خاص بها: ويمكن للمخوّلين هناك فتح هذه المحادثة لاحقًا لسبب يُسجَّل.`,
        details: "ما تقوله هذه الصفحة عنك",
        detailsWhy: "يُرسَل مع المحادثة مشفّرًا إلى من يمكنه قراءتها.",
        detailNames: { page: "الصفحة", language: "اللغة" },
        sees: "ما الذي تراه الخدمة",
        seen: "متى تُرسل الرسائل وطولها التقريبي، وعنوان شبكتك، والأجهزة المشاركة، وإلى أين قرأ كل منها.",
        notWritten: "ولا ترى ما يُكتب.",
        kept: "مدة الحفظ",
        days: (days) => `تحذف الخدمة الرسائل المشفّرة بعد ${counted(days, "يوم واحد", "يومين", "أيام", "يومًا")} من آخر رسالة.`,
        unknownDays: "يُعرف ذلك عند اتصال المحادثة.",
        here: "يحفظ هذا المتصفح المحادثة إلى أن تبدأ محادثة جديدة.",
        notHere: "لا يحفظ هذا المتصفح شيئًا: تنتهي المحادثة عند مغادرة الصفحة.",
        code: "من أين جاء البرنامج",
        pinned: (host) =>
            `تثبّت هذه الصفحة برنامج المحادثة ببصمته، فلا يستطيع ${isolated(host)} الذي يقدّمه تغييره دون أن يُلاحظ. أنت تثق بهذا الموقع.`,
        served: (host) =>
            `جاء برنامج هذه المحادثة من ${isolated(host)} ولا تثبّته هذه الصفحة ببصمة. أنت تثق بهذا الموقع وبذلك الخادم في تقديمه دون تغيير.`,
        own: "برنامج هذه المحادثة جزء من هذا الموقع. أنت تثق بالموقع في تقديمه دون تغيير.",
    },
    transcript: {
        title: (brand) => `محادثة مع ${isolated(brand)}`,
        saved: (when) => `حُفظت في ${isolated(when)} على جهاز الزائر.`,
        verified: "كل رسالة أدناه وقّعها جهاز كاتبها، وتحقّق هذا الجهاز من ذلك.",
        ended: "نهاية المحادثة مؤكدة.",
        notEnded: "نهاية المحادثة غير مؤكدة: ربما قيل أكثر من ذلك.",
        alarms: "حدث خطأ في هذه المحادثة:",
    },
};
