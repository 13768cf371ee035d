//! What each verb leaves behind when it is done.

use crate::engine::verbs::Verb;

/// Which events and mails a verb owes.
pub(super) const fn owed(verb: Verb) -> (&'static [&'static str], &'static [&'static str]) {
    match verb {
        Verb::Register | Verb::CreateUser => (&["signed_up"], &[]),
        Verb::PasswordSignIn => (&["signed_in"], &[]),
        Verb::DeviceSignIn | Verb::ResendCode => (&["code_asked"], &["code"]),
        Verb::VerifyCode => (&["signed_in"], &["new_device"]),
        Verb::Redeem => (&["refresh_reused"], &["refresh_reused"]),
        Verb::SignOut | Verb::EndSession | Verb::EndSessionOf | Verb::EndSessions => (&["ended"], &[]),
        Verb::EndEveryone => (&["everyone_signed_out"], &[]),
        Verb::ChangePassword => (&["password_changed", "ended"], &["password_changed"]),
        Verb::ForgotPassword | Verb::StartReset => (&["reset_asked"], &["reset"]),
        Verb::ResetPassword => (&["password_reset"], &["password_changed"]),
        Verb::Unlock | Verb::UnlockUser => (&["unlocked"], &[]),
        Verb::RenameSession => (&["session_renamed"], &[]),
        Verb::ForgetDevice => (&["device_forgotten"], &[]),
        Verb::InviteUser => (&["signed_up", "reset_asked"], &["welcome"]),
        Verb::DisableUser => (&["user_disabled"], &[]),
        Verb::EnableUser => (&["user_enabled"], &[]),
        Verb::SetRole => (&["role_changed"], &[]),
        Verb::MendRecord => (&["record_mended"], &[]),
        Verb::SetPassword => (&["password_set"], &["password_changed"]),
        Verb::CreateTenant => (&["tenant_created"], &[]),
        Verb::ChangeTenant => (&["tenant_changed"], &[]),
        Verb::SuspendTenant => (&["tenant_suspended"], &[]),
        Verb::ResumeTenant => (&["tenant_resumed"], &[]),
        Verb::RotateKeys => (&["keys_rotated"], &[]),
        Verb::ReplaceCompromisedKeys => (&["keys_rotated", "keys_compromised"], &[]),
        Verb::CreateFeedKey => (&["feed_key_created"], &[]),
        Verb::RemoveFeedKey => (&["feed_key_removed"], &[]),
        // They change how a record is kept, and remove what no one can use: no access is decided.
        Verb::SealKeys | Verb::PurgeSessions => (&[], &[]),
    }
}
