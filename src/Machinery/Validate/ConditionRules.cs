using Hanbae.Api;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Conditions as the API conventions have them, for kinds that check theirs.</summary>
static class ConditionRules
{
    const int LongestReason = 1024, LongestMessage = 32 * 1024;

    public static void Check(FieldPath at, Seq<Condition> conditions, Errors errors)
    {
        var seen = new HashSet<string>();
        for (int i = 0; i < conditions.Count; i++)
        {
            var (here, c) = (at[i], conditions[i]);
            if (!seen.Add(c.Type)) errors.Duplicate(here["type"], c.Type);
            errors.Invalid(here["type"], c.Type, LabelSyntax.KeyErrors(c.Type));
            errors.OneOf(here["status"], c.Status, "False", "True", "Unknown");
            if (c.ObservedGeneration < 0) errors.Invalid(here["observedGeneration"], c.ObservedGeneration, "must be greater than or equal to zero");
            if (c.LastTransitionTime is null) errors.Required(here["lastTransitionTime"], "must be set");
            if (c.Reason.Length == 0) errors.Required(here["reason"], "must be set");
            else if (!IsReason(c.Reason))
                errors.Invalid(here["reason"], c.Reason, "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric "
                    + "characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', "
                    + "regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')");
            if (c.Reason.Length > LongestReason) errors.TooLong(here["reason"], LongestReason);
            if (c.Message.Length > LongestMessage) errors.TooLong(here["message"], LongestMessage);
        }
    }

    static bool IsReason(string reason) =>
        char.IsAsciiLetter(reason[0]) && (char.IsAsciiLetterOrDigit(reason[^1]) || reason[^1] == '_') && reason.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or ',' or ':');
}
