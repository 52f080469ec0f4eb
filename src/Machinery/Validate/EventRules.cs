using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Events: in the namespace of what they are about; those of the newer sort say who reports and what was done.</summary>
static class EventRules
{
    const int LongestWord = 128, LongestNote = 1024;

    public static void Check(Event o, Errors errors)
    {
        string ns = o.Metadata.Namespace, about = o.InvolvedObject.Namespace;
        var at = FieldPath.Of("involvedObject")["namespace"];
        const string elsewhere = "does not match event.namespace";
        if (o.EventTime is null)
        {
            if (about.Length == 0 ? ns is not ("" or "default") : ns != about) errors.Invalid(at, about, elsewhere);
            return;
        }
        if (about.Length == 0 ? ns is not ("default" or "kube-system") : ns != about) errors.Invalid(at, about, elsewhere);
        if (o.ReportingComponent.Length == 0) errors.Required(FieldPath.Of("reportingController"));
        else errors.Invalid(FieldPath.Of("reportingController"), o.ReportingComponent, LabelSyntax.KeyErrors(o.ReportingComponent));
        Word("reportingInstance", o.ReportingInstance, errors);
        Word("action", o.Action, errors);
        Word("reason", o.Reason, errors);
        if (o.Message.Length > LongestNote) errors.Invalid(FieldPath.Of("message"), "", $"can have at most {LongestNote} characters");
    }

    static void Word(string field, string value, Errors errors)
    {
        if (value.Length == 0) errors.Required(FieldPath.Of(field));
        if (value.Length > LongestWord) errors.Invalid(FieldPath.Of(field), "", $"can have at most {LongestWord} characters");
    }

    /// <summary>Of an event of the newer sort only its series goes on.</summary>
    public static void Update(Event o, Event old, Errors errors)
    {
        Check(o, errors);
        if (old.EventTime is null) return;
        errors.Unchanged(FieldPath.Of("involvedObject"), o.InvolvedObject, old.InvolvedObject, Shown.Message);
        errors.Unchanged(FieldPath.Of("reason"), o.Reason, old.Reason);
        errors.Unchanged(FieldPath.Of("reportingController"), o.ReportingComponent, old.ReportingComponent);
        errors.Unchanged(FieldPath.Of("reportingInstance"), o.ReportingInstance, old.ReportingInstance);
        errors.Unchanged(FieldPath.Of("action"), o.Action, old.Action);
        errors.Unchanged(FieldPath.Of("type"), o.Type, old.Type);
    }
}
