using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Admission webhooks: whom to call, about what, and what it means when nobody answers.</summary>
static class WebhookRules
{
    static readonly string[] s_versions = ["v1", "v1beta1"];

    /// <summary>What a stored configuration got wrong before there was a rule against it, it may go on getting wrong.</summary>
    sealed record Tolerance(bool SideEffects, bool UnknownVersions, bool RepeatedNames, bool Labels);

    /// <summary>What both kinds of webhooks have.</summary>
    sealed record Hook(string Name, WebhookClientConfig Client, Seq<RuleWithOperations> Rules, string? Failure, string? Match, string? Effects, int? Timeout, Seq<string> Versions,
        LabelSelector? Namespaces, LabelSelector? Objects, string? Again, Seq<MatchCondition> Conditions);

    static Hook[] Of(ValidatingWebhookConfiguration o) => [.. o.Webhooks.Select(w => new Hook(w.Name, w.ClientConfig, w.Rules, w.FailurePolicy, w.MatchPolicy, w.SideEffects,
        w.TimeoutSeconds, w.AdmissionReviewVersions, w.NamespaceSelector, w.ObjectSelector, null, w.MatchConditions))];

    static Hook[] Of(MutatingWebhookConfiguration o) => [.. o.Webhooks.Select(w => new Hook(w.Name, w.ClientConfig, w.Rules, w.FailurePolicy, w.MatchPolicy, w.SideEffects,
        w.TimeoutSeconds, w.AdmissionReviewVersions, w.NamespaceSelector, w.ObjectSelector, w.ReinvocationPolicy, w.MatchConditions))];

    public static void Check(ValidatingWebhookConfiguration o, Errors errors) => Check(Of(o), new(false, false, false, false), errors);

    public static void Check(MutatingWebhookConfiguration o, Errors errors) => Check(Of(o), new(false, false, false, false), errors);

    public static void Update(ValidatingWebhookConfiguration o, ValidatingWebhookConfiguration old, Errors errors) => Check(Of(o), ToleranceOf(Of(old)), errors);

    public static void Update(MutatingWebhookConfiguration o, MutatingWebhookConfiguration old, Errors errors) => Check(Of(o), ToleranceOf(Of(old)), errors);

    static Tolerance ToleranceOf(Hook[] old)
    {
        var selectors = new Errors();
        foreach (var hook in old)
        {
            LabelRules.Selector(FieldPath.Spec, hook.Namespaces, selectors);
            LabelRules.Selector(FieldPath.Spec, hook.Objects, selectors);
        }
        return new(SideEffects: old.Any(h => h.Effects is not ("None" or "NoneOnDryRun")), UnknownVersions: old.Any(h => !h.Versions.IsEmpty && !s_versions.Any(h.Versions.Contains)),
            RepeatedNames: old.Select(h => h.Name).Distinct().Count() < old.Length, Labels: selectors.Count > 0);
    }

    static void Check(Hook[] hooks, Tolerance may, Errors errors)
    {
        var names = new HashSet<string>();
        for (int i = 0; i < hooks.Length; i++)
        {
            var (at, w) = (FieldPath.Of("webhooks")[i], hooks[i]);
            Check(at, w, may, errors);
            Versions(at["admissionReviewVersions"], w.Versions, may, errors);
            if (w.Name.Length > 0 && !names.Add(w.Name) && !may.RepeatedNames) errors.Duplicate(at["name"], w.Name);
        }
    }

    static void Check(FieldPath at, Hook w, Tolerance may, Errors errors)
    {
        Qualified(at["name"], w.Name, errors);
        for (int i = 0; i < w.Rules.Count; i++)
            Rule(at["rules"][i], w.Rules[i].Operations, w.Rules[i].ApiGroups, w.Rules[i].ApiVersions, w.Rules[i].Resources, w.Rules[i].Scope, errors);
        if (w.Failure is not null) errors.OneOf(at["failurePolicy"], w.Failure, "Fail", "Ignore");
        if (w.Match is not null) errors.OneOf(at["matchPolicy"], w.Match, "Equivalent", "Exact");
        // v1beta1 allowed more; what comes from then is found by the only version its hooks know.
        bool any = may.SideEffects || w.Versions is ["v1beta1"];
        if (w.Effects is null) errors.Required(at["sideEffects"], "must specify one of " + (may.SideEffects ? "None, NoneOnDryRun, Some, Unknown" : "None, NoneOnDryRun"));
        else if (any) errors.OneOf(at["sideEffects"], w.Effects, "None", "NoneOnDryRun", "Some", "Unknown");
        else errors.OneOf(at["sideEffects"], w.Effects, "None", "NoneOnDryRun");
        if (w.Timeout is (> 30 or < 1) and { } seconds) errors.Invalid(at["timeoutSeconds"], seconds, "the timeout value must be between 1 and 30 seconds");
        LabelRules.Selector(at["namespaceSelector"], w.Namespaces, errors, badValues: may.Labels);
        LabelRules.Selector(at["objectSelector"], w.Objects, errors, badValues: may.Labels);
        if (w.Again is { } again) errors.OneOf(at["reinvocationPolicy"], again, "IfNeeded", "Never");
        Client(at["clientConfig"], w.Client, errors);
        MatchConditions(at["matchConditions"], w.Conditions, errors);
    }

    static void Qualified(FieldPath at, string name, Errors errors)
    {
        if (name.Length == 0) { errors.Required(at); return; }
        var wrong = Names.Subdomain(name);
        errors.Invalid(at, name, wrong);
        if (wrong.Count == 0 && name.Split('.').Length < 3) errors.Invalid(at, name, "should be a domain with at least three segments separated by dots");
    }

    static void Versions(FieldPath at, Seq<string> versions, Tolerance may, Errors errors)
    {
        if (versions.IsEmpty) { errors.Required(at, "must specify one of v1, v1beta1"); return; }
        var seen = new HashSet<string>();
        bool known = false;
        for (int i = 0; i < versions.Count; i++)
        {
            if (!seen.Add(versions[i])) { errors.Invalid(at[i], versions[i], "duplicate version"); continue; }
            errors.Invalid(at[i], versions[i], Names.Label1035(versions[i]));
            known |= s_versions.Contains(versions[i]);
        }
        if (!known && !may.UnknownVersions) errors.InvalidAs(at, Shown.List(versions), "must include at least one of v1, v1beta1");
    }

    internal static void Rule(FieldPath at, Seq<string> operations, Seq<string> groups, Seq<string> versions, Seq<string> resources, string? scope, Errors errors)
    {
        if (operations.IsEmpty) errors.Required(at["operations"]);
        if (operations.Count > 1 && operations.Contains("*")) errors.InvalidAs(at["operations"], Shown.List(operations), "if '*' is present, must not specify other operations");
        for (int i = 0; i < operations.Count; i++) errors.OneOf(at["operations"][i], operations[i], "*", "CONNECT", "CREATE", "DELETE", "UPDATE");
        if (groups.IsEmpty) errors.Required(at["apiGroups"]);
        if (groups.Count > 1 && groups.Contains("*")) errors.InvalidAs(at["apiGroups"], Shown.List(groups), "if '*' is present, must not specify other API groups");
        if (versions.IsEmpty) errors.Required(at["apiVersions"]);
        if (versions.Count > 1 && versions.Contains("*")) errors.InvalidAs(at["apiVersions"], Shown.List(versions), "if '*' is present, must not specify other API versions");
        for (int i = 0; i < versions.Count; i++) if (versions[i].Length == 0) errors.Required(at["apiVersions"][i]);
        Resources(at["resources"], resources, errors);
        if (scope is not null) errors.OneOf(at["scope"], scope, "*", "Cluster", "Namespaced");
    }

    static void Resources(FieldPath at, Seq<string> resources, Errors errors)
    {
        if (resources.IsEmpty) errors.Required(at);
        var (whole, everywhere) = (new HashSet<string>(), new HashSet<string>());
        // As upstream: what counts is whether the last without a subresource names one.
        bool plain = false;
        for (int i = 0; i < resources.Count; i++)
        {
            string one = resources[i];
            int slash = one.IndexOf('/');
            if (one.Length == 0) errors.Required(at[i]);
            else if (slash < 0) plain = one != "*";
            else
            {
                var (resource, sub) = (one[..slash], one[(slash + 1)..]);
                if (whole.Contains(resource)) errors.Invalid(at[i], one, $"if '{resource}/*' is present, must not specify {one}");
                if (everywhere.Contains(sub)) errors.Invalid(at[i], one, $"if '*/{sub}' is present, must not specify {one}");
                if (sub == "*") whole.Add(resource);
                if (resource == "*") everywhere.Add(sub);
            }
        }
        if (resources.Count > 1 && resources.Contains("*/*")) errors.InvalidAs(at, Shown.List(resources), "if '*/*' is present, must not specify other resources");
        if (plain && resources.Contains("*")) errors.InvalidAs(at, Shown.List(resources), "if '*' is present, must not specify other resources without subresources");
    }

    static void Client(FieldPath at, WebhookClientConfig client, Errors errors)
    {
        if ((client.Url is null) == (client.Service is null)) errors.Required(at, "exactly one of url or service is required");
        else if (client.Url is { } url) WebhookAddress.Url(at["url"], url, errors);
        else if (client.Service is { } service) WebhookAddress.Service(at["service"], service.Name, service.Namespace, service.Path, service.Port ?? 443, errors);
    }

    internal static void MatchConditions(FieldPath at, Seq<MatchCondition> conditions, Errors errors)
    {
        const int most = 64;
        if (conditions.Count > most) errors.TooMany(at, conditions.Count, most);
        var names = new HashSet<string>();
        for (int i = 0; i < conditions.Count; i++)
        {
            var (here, condition) = (at[i], conditions[i]);
            if (condition.Expression.Trim().Length == 0) errors.Required(here["expression"]);
            if (condition.Name.Length == 0) errors.Required(here["name"]);
            else
            {
                errors.Invalid(here["name"], condition.Name, LabelSyntax.KeyErrors(condition.Name));
                if (!names.Add(condition.Name)) errors.Duplicate(here["name"], condition.Name);
            }
        }
    }
}
