using Hanbae.Api;
using Hanbae.Api.Flowcontrol.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Priority and fairness: which requests are of one flow, and how much of the server a priority level has.</summary>
static class FlowRules
{
    const int LastPrecedence = 10_000, MostHashBits = 60;
    static readonly string[] s_verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

    public static void Check(FlowSchema o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        if (s.MatchingPrecedence <= 0) errors.Invalid(at["matchingPrecedence"], s.MatchingPrecedence, "must be a positive value");
        if (s.MatchingPrecedence > LastPrecedence) errors.Invalid(at["matchingPrecedence"], s.MatchingPrecedence, $"must not be greater than {LastPrecedence}");
        if (s.MatchingPrecedence == 1 && o.Metadata.Name != "exempt") errors.Invalid(at["matchingPrecedence"], s.MatchingPrecedence, "only the schema named 'exempt' may have matchingPrecedence 1");
        if (s.DistinguisherMethod is { } method) errors.OneOf(at["distinguisherMethod"]["type"], method.Type, "ByNamespace", "ByUser");
        if (s.PriorityLevelConfiguration.Name.Length == 0) errors.Required(at["priorityLevelConfiguration"]["name"], "must reference a priority level");
        else errors.Invalid(at["priorityLevelConfiguration"]["name"], s.PriorityLevelConfiguration.Name, Names.Subdomain(s.PriorityLevelConfiguration.Name));
        for (int i = 0; i < s.Rules.Count; i++) Rule(at["rules"][i], s.Rules[i], errors);
    }

    static void Rule(FieldPath at, PolicyRulesWithSubjects rule, Errors errors)
    {
        if (rule.Subjects.IsEmpty) errors.Required(at["subjects"], "subjects must contain at least one value");
        for (int i = 0; i < rule.Subjects.Count; i++)
        {
            var (here, s) = (at["subjects"][i], rule.Subjects[i]);
            switch (s.Kind)
            {
                case "ServiceAccount":
                    Account(here["serviceAccount"], s.ServiceAccount, errors);
                    NoUser(here, s, errors);
                    NoGroup(here, s, errors);
                    break;
                case "User":
                    if (s.User is null) errors.Required(here["user"], "user is required when subject kind is 'User'");
                    else if (s.User.Name.Length == 0) errors.Required(here["user"]["name"]);
                    NoAccount(here, s, errors);
                    NoGroup(here, s, errors);
                    break;
                case "Group":
                    if (s.Group is null) errors.Required(here["group"], "group is required when subject kind is 'Group'");
                    else if (s.Group.Name.Length == 0) errors.Required(here["group"]["name"]);
                    NoAccount(here, s, errors);
                    NoUser(here, s, errors);
                    break;
                default: errors.OneOf(here["kind"], s.Kind, "Group", "ServiceAccount", "User"); break;
            }
        }
        if (rule.ResourceRules.IsEmpty && rule.NonResourceRules.IsEmpty) errors.Required(at, "at least one of resourceRules and nonResourceRules has to be non-empty");
        for (int i = 0; i < rule.ResourceRules.Count; i++)
        {
            var here = at["resourceRules"][i];
            var r = rule.ResourceRules[i];
            Verbs(here["verbs"], r.Verbs, errors);
            if (r.ApiGroups.IsEmpty) errors.Required(here["apiGroups"], "resource rules must supply at least one api group");
            else if (r.ApiGroups.Count > 1 && r.ApiGroups.Contains("*")) errors.InvalidAs(here["apiGroups"], Shown.List(r.ApiGroups), "if '*' is present, must not specify other api groups");
            if (r.Resources.IsEmpty) errors.Required(here["resources"], "resource rules must supply at least one resource");
            else if (r.Resources.Count > 1 && r.Resources.Contains("*")) errors.InvalidAs(here["resources"], Shown.List(r.Resources), "if '*' is present, must not specify other resources");
            if (r.Namespaces.IsEmpty && !r.ClusterScope) errors.Required(here["namespaces"], "resource rules that are not cluster scoped must supply at least one namespace");
            else if (r.Namespaces.Contains("*"))
            {
                if (r.Namespaces.Count > 1) errors.InvalidAs(here["namespaces"], Shown.List(r.Namespaces), "if '*' is present, must not specify other namespaces");
            }
            else
                for (int j = 0; j < r.Namespaces.Count; j++)
                    foreach (string wrong in Names.Label(r.Namespaces[j]))
                        errors.Invalid(here["namespaces"][j], r.Namespaces[j], "each member of this list must be '*' or a DNS-1123 label; " + wrong);
        }
        for (int i = 0; i < rule.NonResourceRules.Count; i++)
        {
            var here = at["nonResourceRules"][i];
            Verbs(here["verbs"], rule.NonResourceRules[i].Verbs, errors);
            var urls = rule.NonResourceRules[i].NonResourceURLs;
            if (urls.IsEmpty) errors.Required(here["nonResourceURLs"], "nonResourceURLs must contain at least one value");
            else if (urls.Contains("*"))
            {
                if (urls.Count > 1) errors.InvalidAs(here["nonResourceURLs"], Shown.List(urls), "if '*' is present, must not specify other non-resource URLs");
            }
            else
                for (int j = 0; j < urls.Count; j++)
                    if (WrongUrl(urls[j]) is { } wrong) errors.Invalid(here["nonResourceURLs"][j], urls[j], wrong);
        }
    }

    static void Account(FieldPath at, ServiceAccountSubject? account, Errors errors)
    {
        if (account is null) { errors.Required(at, "serviceAccount is required when subject kind is 'ServiceAccount'"); return; }
        if (account.Name.Length == 0) errors.Required(at["name"]);
        else if (account.Name != "*") errors.Invalid(at["name"], account.Name, Names.Subdomain(account.Name));
        if (account.Namespace.Length == 0) errors.Required(at["namespace"], "must specify namespace for service account");
        else errors.Invalid(at["namespace"], account.Namespace, Names.Label(account.Namespace));
    }

    static void NoAccount(FieldPath at, Subject s, Errors errors)
    {
        if (s.ServiceAccount is not null) errors.Forbidden(at["serviceAccount"], "serviceAccount is forbidden when subject kind is not 'ServiceAccount'");
    }

    static void NoUser(FieldPath at, Subject s, Errors errors)
    {
        if (s.User is not null) errors.Forbidden(at["user"], "user is forbidden when subject kind is not 'User'");
    }

    static void NoGroup(FieldPath at, Subject s, Errors errors)
    {
        if (s.Group is not null) errors.Forbidden(at["group"], "group is forbidden when subject kind is not 'Group'");
    }

    static string? WrongUrl(string path)
    {
        if (path.Length == 0) return "must not be empty";
        if (path == "/") return null;
        if (path[0] != '/') return "must start with slash";
        if (path.Contains(' ')) return "must not contain white-space";
        if (path.Contains("//", StringComparison.Ordinal)) return "must not contain double slash";
        int star = path.IndexOf('*');
        return star >= 0 && (star != path.Length - 1 || path[star - 1] != '/') ? "wildcard can only do suffix matching" : null;
    }

    static void Verbs(FieldPath at, Seq<string> verbs, Errors errors)
    {
        if (verbs.IsEmpty) errors.Required(at, "verbs must contain at least one value");
        else if (verbs.Contains("*"))
        {
            if (verbs.Count > 1) errors.InvalidAs(at, Shown.List(verbs), "if '*' is present, must not specify other verbs");
        }
        else if (!verbs.All(s_verbs.Contains))
            errors.Add(new(FieldErrorType.NotSupported, at.ToString(), Shown.List(verbs), "supported values: " + string.Join(", ", s_verbs.Select(FieldError.Quoted))));
    }

    public static void Part(FlowSchema o, FlowSchema old, string subresource, Errors errors) => Conditions(o.Status.Conditions.Select(c => c.Type), errors);

    public static void Part(PriorityLevelConfiguration o, PriorityLevelConfiguration old, string subresource, Errors errors) => Conditions(o.Status.Conditions.Select(c => c.Type), errors);

    static void Conditions(IEnumerable<string> types, Errors errors)
    {
        var seen = new HashSet<string>();
        foreach (var (i, type) in types.Index())
        {
            var at = FieldPath.Of("status")["conditions"][i]["type"];
            if (!seen.Add(type)) errors.Duplicate(at, type);
            if (type.Length == 0) errors.Required(at, "must not be empty");
        }
    }

    public static void Check(PriorityLevelConfiguration o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        if (o.Metadata.Name == "exempt" != (s.Type == "Exempt")) errors.Invalid(at["type"], s.Type, "type must be 'Exempt' if and only if name is 'exempt'");
        switch (s.Type)
        {
            case "Exempt":
                if (s.Limited is not null) errors.Forbidden(at["limited"], "must be nil if the type is not Limited");
                if (s.Exempt is not { } exempt) break;
                if (exempt.NominalConcurrencyShares is < 0 and { } shares) errors.Invalid(at["exempt"]["nominalConcurrencyShares"], shares, "must be a non-negative integer");
                if (exempt.LendablePercent is (< 0 or > 100) and { } lent) errors.Invalid(at["exempt"]["lendablePercent"], lent, "must be between 0 and 100, inclusive");
                break;
            case "Limited":
                if (s.Exempt is not null) errors.Forbidden(at["exempt"], "must be nil if the type is Limited");
                if (s.Limited is { } limited) Limited(at["limited"], limited, errors);
                else errors.Required(at["limited"], "must not be empty when type is Limited");
                break;
            default: errors.OneOf(at["type"], s.Type, "Exempt", "Limited"); break;
        }
    }

    static void Limited(FieldPath at, LimitedPriorityLevelConfiguration s, Errors errors)
    {
        if (s.NominalConcurrencyShares < 0) errors.Invalid(at["nominalConcurrencyShares"], s.NominalConcurrencyShares.Value, "must be a non-negative integer");
        if (s.LendablePercent is (< 0 or > 100) and { } lent) errors.Invalid(at["lendablePercent"], lent, "must be between 0 and 100, inclusive");
        if (s.BorrowingLimitPercent is < 0 and { } borrowed) errors.Invalid(at["borrowingLimitPercent"], borrowed, "if specified, must be a non-negative integer");
        var (here, response) = (at["limitResponse"], s.LimitResponse);
        switch (response.Type)
        {
            case "Reject":
                if (response.Queuing is not null) errors.Forbidden(here["queuing"], "must be nil if limited.limitResponse.type is not Limited");
                break;
            case "Queue":
                if (response.Queuing is { } queues) Queues(here["queuing"], queues, errors);
                else errors.Required(here["queuing"], "must not be empty if limited.limitResponse.type is Limited");
                break;
            default: errors.OneOf(here["type"], response.Type, "Queue", "Reject"); break;
        }
    }

    static void Queues(FieldPath at, QueuingConfiguration q, Errors errors)
    {
        if (q.QueueLengthLimit <= 0) errors.Invalid(at["queueLengthLimit"], q.QueueLengthLimit, "must be positive");
        if (q.Queues <= 0) errors.Invalid(at["queues"], q.Queues, "must be positive");
        else if (q.Queues > 10_000_000) errors.Invalid(at["queues"], q.Queues, "must not be greater than 10000000");
        if (q.HandSize <= 0) errors.Invalid(at["handSize"], q.HandSize, "must be positive");
        else if (q.HandSize > q.Queues) errors.Invalid(at["handSize"], q.HandSize, $"should not be greater than queues ({q.Queues})");
        else if (q.Queues > 0 && Math.Ceiling(q.HandSize * Math.Log2(q.Queues)) > MostHashBits)
            errors.Invalid(at["handSize"], q.HandSize, $"required entropy bits of deckSize {q.Queues} and handSize {q.HandSize} should not be greater than {MostHashBits}");
    }
}
