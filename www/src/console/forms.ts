/** The forms that lie above a transcript, loaded together when the first of them is opened. */

import { ArchiveForm } from "./archive-form.js";
import { BanForm } from "./ban.js";
import { LabelForm } from "./label-form.js";
import { TransferForm } from "./transfer.js";

export const FORMS = { archive: ArchiveForm, ban: BanForm, label: LabelForm, transfer: TransferForm };
