using Hanbae.Machinery.Validate;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>Asks the authorizer: each step narrows a check, <c>check(verb)</c> decides.</summary>
static class AuthorizerFunctions
{
    public const string Prefix = "kubernetes.authorization.";

    public static CelType Authorizer { get; } = Named("Authorizer");
    public static CelType ResourceCheck { get; } = Named("ResourceCheck");
    static CelType PathCheck { get; } = Named("PathCheck");
    static CelType GroupCheck { get; } = Named("GroupCheck");
    static CelType DecisionType { get; } = Named("Decision");

    static CelType Named(string name) => CelType.Object(Prefix + name, new Dictionary<string, CelType>());

    public sealed class Check(CelType type, ICelAuthorizer authorizer, CelAccess access) : CelExtension
    {
        public ICelAuthorizer Authorizer => authorizer;
        public CelAccess Access => access;
        public override CelType Type => type;
        public override bool Same(CelExtension other) => other is Check c && c.Type.Equals(type) && c.Access == access && ReferenceEquals(c.Authorizer, authorizer);
        public Check With(CelType narrower, CelAccess more) => new(narrower, authorizer, more);
    }

    sealed class Decision(CelDecision decision) : CelExtension
    {
        public CelDecision Value => decision;
        public override CelType Type => DecisionType;
        public override bool Same(CelExtension other) => ((Decision)other).Value == decision;
    }

    public static void Add(FunctionList f)
    {
        var (text, flag) = (CelType.String, CelType.Bool);
        f.Member("path", "authorizer_path", [Authorizer, text], PathCheck, (x, _) =>
            string.IsNullOrWhiteSpace(S(x[1])) ? new CelError("path must not be empty") : C(x[0]).With(PathCheck, C(x[0]).Access with { Path = S(x[1]) }));
        f.Member("group", "authorizer_group", [Authorizer, text], GroupCheck, (x, _) => C(x[0]).With(GroupCheck, C(x[0]).Access with { Group = S(x[1]) }));
        f.Member("serviceAccount", "authorizer_serviceaccount", [Authorizer, text, text], Authorizer, (x, _) =>
            Names.Subdomain(S(x[2])).Count > 0 ? new CelError("Invalid service account name")
            : Names.Label(S(x[1])).Count > 0 ? new CelError("Invalid service account namespace")
            : C(x[0]).With(Authorizer, new() { ServiceAccount = (S(x[1]), S(x[2])) }));
        f.Member("resource", "groupcheck_resource", [GroupCheck, text], ResourceCheck, (x, _) =>
            string.IsNullOrWhiteSpace(S(x[1])) ? new CelError("resource must not be empty") : C(x[0]).With(ResourceCheck, C(x[0]).Access with { Resource = S(x[1]) }));
        Narrow(f, "subresource", "resourcecheck_subresource", (a, s) => a with { Subresource = s });
        Narrow(f, "namespace", "resourcecheck_namespace", (a, s) => a with { Namespace = s });
        Narrow(f, "name", "resourcecheck_name", (a, s) => a with { Name = s });
        Narrow(f, "fieldSelector", "authorizer_fieldselector", (a, s) => a with { FieldSelector = s });
        Narrow(f, "labelSelector", "authorizer_labelselector", (a, s) => a with { LabelSelector = s });
        foreach (var (id, type) in (ReadOnlySpan<(string, CelType)>)[("pathcheck_check", PathCheck), ("resourcecheck_check", ResourceCheck)])
            f.Member("check", id, [type, text], DecisionType, (x, run) => new Decision(C(x[0]).Authorizer.Decide(C(x[0]).Access with { Verb = S(x[1]) }, run.Cancellation)));
        f.Member("errored", "decision_errored", [DecisionType], flag, (x, _) => D(x[0]).Error is not null);
        f.Member("error", "decision_error", [DecisionType], text, (x, _) => D(x[0]).Error ?? "");
        f.Member("allowed", "decision_allowed", [DecisionType], flag, (x, _) => D(x[0]).Allowed);
        f.Member("reason", "decision_reason", [DecisionType], text, (x, _) => D(x[0]).Reason);
    }

    static void Narrow(FunctionList f, string name, string id, Func<CelAccess, string, CelAccess> set) =>
        f.Member(name, id, [ResourceCheck, CelType.String], ResourceCheck, (x, _) => C(x[0]).With(ResourceCheck, set(C(x[0]).Access, S(x[1]))));

    static Check C(CelValue value) => (Check)value;
    static CelDecision D(CelValue value) => ((Decision)value).Value;
    static string S(CelValue value) => ((CelString)value).Value;
}
