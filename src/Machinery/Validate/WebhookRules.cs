using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Admission webhooks: whom to call, about what, and what it means when nobody answers.</summary>
static class WebhookRules
{
    static readonly string[] s_versions = ["v1", "v1beta1"];

    public static void Check(ValidatingWebhookConfiguration o, Errors errors)
    {
        var names = new HashSet<string>();
        for (int i = 0; i < o.Webhooks.Count; i++)
        {
            var (at, w) = (FieldPath.Of("webhooks")[i], o.Webhooks[i]);
            Hook(at, w.Name, w.ClientConfig, w.Rules, w.FailurePolicy, w.MatchPolicy, w.SideEffects, w.TimeoutSeconds, w.AdmissionReviewVersions, w.NamespaceSelector, w.ObjectSelector, errors);
            MatchConditions(at["matchConditions"], w.MatchConditions, errors);
            if (w.Name.Length > 0 && !names.Add(w.Name)) errors.Duplicate(at["name"], w.Name);
        }
    }

    public static void Check(MutatingWebhookConfiguration o, Errors errors)
    {
        var names = new HashSet<string>();
        for (int i = 0; i < o.Webhooks.Count; i++)
        {
            var (at, w) = (FieldPath.Of("webhooks")[i], o.Webhooks[i]);
            Hook(at, w.Name, w.ClientConfig, w.Rules, w.FailurePolicy, w.MatchPolicy, w.SideEffects, w.TimeoutSeconds, w.AdmissionReviewVersions, w.NamespaceSelector, w.ObjectSelector, errors);
            if (w.ReinvocationPolicy is { } again) errors.OneOf(at["reinvocationPolicy"], again, "IfNeeded", "Never");
            MatchConditions(at["matchConditions"], w.MatchConditions, errors);
            if (w.Name.Length > 0 && !names.Add(w.Name)) errors.Duplicate(at["name"], w.Name);
        }
    }

    static void Hook(FieldPath at, string name, WebhookClientConfig client, Seq<RuleWithOperations> rules, string? failure, string? match, string? effects, int? timeout, Seq<string> versions,
        LabelSelector? namespaces, LabelSelector? objects, Errors errors)
    {
        Qualified(at["name"], name, errors);
        LabelRules.Selector(at["namespaceSelector"], namespaces, errors);
        LabelRules.Selector(at["objectSelector"], objects, errors);
        Versions(at["admissionReviewVersions"], versions, errors);
        for (int i = 0; i < rules.Count; i++) Rule(at["rules"][i], rules[i].Operations, rules[i].ApiGroups, rules[i].ApiVersions, rules[i].Resources, rules[i].Scope, errors);
        if (failure is not null) errors.OneOf(at["failurePolicy"], failure, "Fail", "Ignore");
        if (match is not null) errors.OneOf(at["matchPolicy"], match, "Equivalent", "Exact");
        // v1beta1 allowed more; what is stored from then is found by its version.
        if (effects is null) errors.Required(at["sideEffects"], "must specify one of None, NoneOnDryRun");
        else if (!versions.Contains("v1beta1") || versions.Count > 1) errors.OneOf(at["sideEffects"], effects, "None", "NoneOnDryRun");
        if (timeout is (> 30 or < 1) and { } seconds) errors.Invalid(at["timeoutSeconds"], seconds, "the timeout value must be between 1 and 30 seconds");
        Client(at["clientConfig"], client, errors);
    }

    static void Qualified(FieldPath at, string name, Errors errors)
    {
        if (name.Length == 0) { errors.Required(at); return; }
        var wrong = Names.Subdomain(name);
        errors.Invalid(at, name, wrong);
        if (wrong.Count == 0 && name.Split('.').Length < 3) errors.Invalid(at, name, "should be a domain with at least three segments separated by dots");
    }

    static void Versions(FieldPath at, Seq<string> versions, Errors errors)
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
        if (!known) errors.InvalidAs(at, Shown.List(versions), "must include at least one of v1, v1beta1");
    }

    internal static void Rule(FieldPath at, Seq<string> operations, Seq<string> groups, Seq<string> versions, Seq<string> resources, string? scope, Errors errors)
    {
        if (groups.IsEmpty) errors.Required(at["apiGroups"]);
        if (groups.Count > 1 && groups.Contains("*")) errors.InvalidAs(at["apiGroups"], Shown.List(groups), "if '*' is present, must not specify other API groups");
        if (versions.IsEmpty) errors.Required(at["apiVersions"]);
        if (versions.Count > 1 && versions.Contains("*")) errors.InvalidAs(at["apiVersions"], Shown.List(versions), "if '*' is present, must not specify other API versions");
        for (int i = 0; i < versions.Count; i++) if (versions[i].Length == 0) errors.Required(at["apiVersions"][i]);
        if (resources.IsEmpty) errors.Required(at["resources"]);
        if (resources.Contains("*/*") && resources.Count > 1) errors.InvalidAs(at["resources"], Shown.List(resources), "if '*/*' is present, must not specify other resources");
        else if (resources.Contains("*") && resources.Exists(r => r != "*" && !r.Contains('/')))
            errors.InvalidAs(at["resources"], Shown.List(resources), "if '*' is present, must not specify other resources without subresources");
        for (int i = 0; i < resources.Count; i++) if (resources[i].Length == 0) errors.Required(at["resources"][i]);
        if (scope is not null) errors.OneOf(at["scope"], scope, "*", "Cluster", "Namespaced");
        if (operations.IsEmpty) errors.Required(at["operations"]);
        if (operations.Count > 1 && operations.Contains("*")) errors.InvalidAs(at["operations"], Shown.List(operations), "if '*' is present, must not specify other operations");
        for (int i = 0; i < operations.Count; i++) errors.OneOf(at["operations"][i], operations[i], "*", "CONNECT", "CREATE", "DELETE", "UPDATE");
    }

    static void Client(FieldPath at, WebhookClientConfig client, Errors errors)
    {
        if ((client.Url is null) == (client.Service is null)) { errors.Required(at, "exactly one of url or service is required"); return; }
        if (client.Url is { } url)
        {
            const string form = "; desired format: https://host[/path]";
            var here = at["url"];
            if (!Uri.TryCreate(url, UriKind.Absolute, out var uri)) { errors.Required(here, "url must be a valid URL" + form); return; }
            if (uri.Scheme != "https") errors.Invalid(here, uri.Scheme, "'https' is the only allowed URL scheme" + form);
            if (uri.Host.Length == 0) errors.Invalid(here, uri.Host, "host must be specified" + form);
            if (uri.UserInfo.Length > 0) errors.Invalid(here, uri.UserInfo, "user information is not permitted in the URL");
            if (uri.Fragment.Length > 0) errors.Invalid(here, uri.Fragment, "fragments are not permitted in the URL");
            if (uri.Query.Length > 0) errors.Invalid(here, uri.Query, "query parameters are not permitted in the URL");
        }
        else if (client.Service is { } service) Service(at["service"], service.Name, service.Namespace, service.Path, service.Port ?? 443, errors);
    }

    static void Service(FieldPath at, string name, string ns, string? path, int port, Errors errors)
    {
        if (name.Length == 0) errors.Required(at["name"], "service name is required");
        if (ns.Length == 0) errors.Required(at["namespace"], "service namespace is required");
        if (port is < 1 or > 65535) errors.Invalid(at["port"], port, "port is not valid: must be between 1 and 65535, inclusive");
        if (path is null or "" or "/") return;
        if (!path.StartsWith('/')) { errors.Invalid(at["path"], path, "must start with a '/'"); return; }
        string[] steps = path[1..].Split('/');
        for (int i = 0; i < steps.Length; i++)
        {
            if (steps[i].Length == 0) { if (i < steps.Length - 1) errors.Invalid(at["path"], path, $"segment[{i}] may not be empty"); continue; }
            foreach (string wrong in Names.Subdomain(steps[i])) errors.Invalid(at["path"], path, $"segment[{i}]: {wrong}");
        }
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
