using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Server.Crd.Definition;

/// <summary>What the server says about a definition: which names it has, whether it is served, what is wrong with it. Upstream's naming, establishing, structural and approval controllers in one pure step.</summary>
static class DefinitionStatus
{
    public const string Finalizer = "customresourcecleanup.apiextensions.k8s.io", ApprovalAnnotation = "api-approved.kubernetes.io";
    const string ApprovalHelp = "see https://github.com/kubernetes/enhancements/pull/1111";

    /// <param name="resources">Plural, singular and short names that others of the group have.</param>
    /// <param name="kinds">Kinds and list kinds that others of the group have.</param>
    public static CustomResourceDefinitionStatus Next(CustomResourceDefinition crd, ISet<string> resources, ISet<string> kinds, DateTimeOffset now)
    {
        var (names, accepted) = Names(crd, resources, kinds);
        var conditions = Set(crd.Status.Conditions, accepted, now);
        conditions = Set(conditions, Established(conditions, accepted, ConversionRules.WrongBundle(crd.Spec.Conversion)?.ToString()), now);
        // As upstream: the condition is only there when there is something to say.
        var wrong = StructuralRules.OfDefinition(crd);
        conditions = wrong.Count == 0 ? Without(conditions, "NonStructuralSchema")
            : Set(conditions, new() { Type = "NonStructuralSchema", Status = "True", Reason = "Violations", Message = Joined(wrong) }, now);
        if (IsProtected(crd.Spec.Group)) conditions = Set(conditions, Approval(crd.Metadata), now);
        return crd.Status with { AcceptedNames = names, Conditions = conditions };
    }

    static string Joined(IReadOnlyList<Machinery.Validate.FieldError> errors) => errors.Count == 1 ? errors[0].ToString() : "[" + string.Join(", ", errors) + "]";

    static (CustomResourceDefinitionNames, CustomResourceDefinitionCondition) Names(CustomResourceDefinition crd, ISet<string> resources, ISet<string> kinds)
    {
        var (wanted, had) = (crd.Spec.Names, crd.Status.AcceptedNames);
        var names = had;
        CustomResourceDefinitionCondition? conflict = null;
        bool Free(string name, string mine, ISet<string> taken, string reason)
        {
            if (name == mine || !taken.Contains(name)) return true;
            conflict = Condition("NamesAccepted", "False", reason, $"\"{name}\" is already in use");
            return false;
        }
        if (Free(wanted.Plural, had.Plural, resources, "PluralConflict")) names = names with { Plural = wanted.Plural };
        if (Free(wanted.Singular, had.Singular, resources, "SingularConflict")) names = names with { Singular = wanted.Singular };
        string[] taken = [.. wanted.ShortNames.Where(n => !had.ShortNames.Contains(n) && resources.Contains(n))];
        if (taken.Length == 0) names = names with { ShortNames = wanted.ShortNames };
        else
        {
            string text = string.Join(", ", taken.Select(n => $"\"{n}\" is already in use"));
            conflict = Condition("NamesAccepted", "False", "ShortNamesConflict", taken.Length == 1 ? text : $"[{text}]");
        }
        if (Free(wanted.Kind, had.Kind, kinds, "KindConflict")) names = names with { Kind = wanted.Kind };
        if (Free(wanted.ListKind, had.ListKind, kinds, "ListKindConflict")) names = names with { ListKind = wanted.ListKind };
        names = names with { Categories = wanted.Categories };
        return (names, conflict ?? Condition("NamesAccepted", "True", "NoConflicts", "no conflicts found"));
    }

    static CustomResourceDefinitionCondition Established(Seq<CustomResourceDefinitionCondition> conditions, CustomResourceDefinitionCondition accepted, string? wrong)
    {
        // Once served it stays so: a later conflict of names takes nothing away.
        if (Find(conditions, "Established") is { Status: "True" } served) return served;
        if (accepted.Status == "True" && wrong is not null) return Condition("Established", "False", "InvalidCABundle", wrong);
        return accepted.Status == "True" ? Condition("Established", "True", "InitialNamesAccepted", "the initial names have been accepted")
            : Condition("Established", "False", "NotAccepted", "not all names are accepted");
    }

    public static bool IsProtected(string group) =>
        group is "k8s.io" or "kubernetes.io" || group.EndsWith(".k8s.io", StringComparison.Ordinal) || group.EndsWith(".kubernetes.io", StringComparison.Ordinal);

    /// <summary>KEP-1111: what protected groups must say of who approved them.</summary>
    /// <returns>Valid is null where it is bypassed.</returns>
    public static (bool? Valid, string Reason, string Message) ApprovalOf(ObjectMeta meta)
    {
        string text = meta.Annotations[ApprovalAnnotation] ?? "";
        if (text.Length == 0) return (false, "MissingAnnotation", $"protected groups must have approval annotation \"{ApprovalAnnotation}\", {ApprovalHelp}");
        if (text.StartsWith("unapproved", StringComparison.Ordinal)) return (null, "UnapprovedAnnotation", $"not approved: \"{text}\"");
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Host.Length > 0) return (true, "ApprovedAnnotation", $"approved in {text}");
        return (false, "InvalidAnnotation", $"protected groups must have approval annotation \"{ApprovalAnnotation}\" with either a URL or a reason starting with \"unapproved\", {ApprovalHelp}");
    }

    static CustomResourceDefinitionCondition Approval(ObjectMeta meta)
    {
        var (valid, reason, message) = ApprovalOf(meta);
        return Condition("KubernetesAPIApprovalPolicyConformant", valid == true ? "True" : "False", reason, message);
    }

    public static CustomResourceDefinitionCondition Condition(string type, string status, string reason, string message) => new() { Type = type, Status = status, Reason = reason, Message = message };

    public static CustomResourceDefinitionCondition? Find(Seq<CustomResourceDefinitionCondition> conditions, string type) => conditions.Find(c => c.Type == type);

    public static bool IsTrue(CustomResourceDefinition crd, string type) => Find(crd.Status.Conditions, type) is { Status: "True" };

    public static Seq<CustomResourceDefinitionCondition> Set(Seq<CustomResourceDefinitionCondition> conditions, CustomResourceDefinitionCondition condition, DateTimeOffset now)
    {
        int at = conditions.IndexOf(c => c.Type == condition.Type);
        var time = at >= 0 && conditions[at].Status == condition.Status ? conditions[at].LastTransitionTime : new DateTimeOffset(now.Ticks - now.Ticks % TimeSpan.TicksPerSecond, TimeSpan.Zero);
        condition = condition with { LastTransitionTime = time };
        return at >= 0 ? conditions.SetAt(at, condition) : conditions.Add(condition);
    }

    static Seq<CustomResourceDefinitionCondition> Without(Seq<CustomResourceDefinitionCondition> conditions, string type) =>
        conditions.Exists(c => c.Type == type) ? conditions.Where(c => c.Type != type).ToSeq() : conditions;
}
