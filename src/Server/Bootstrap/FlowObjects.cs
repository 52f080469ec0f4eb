using Hanbae.Api;
using Hanbae.Api.Flowcontrol.V1;
using Hanbae.Server.Auth;

namespace Hanbae.Server.Bootstrap;

/// <summary>The FlowSchemas and priority levels that every cluster begins with: two without which nothing works, and those that upstream suggests.</summary>
static class FlowObjects
{
    internal sealed record Set(IReadOnlyList<FlowSchema> Schemas, IReadOnlyList<PriorityLevelConfiguration> Levels);

    const string Leases = "coordination.k8s.io", ByUser = "ByUser", ByNamespace = "ByNamespace";

    public static Set Mandatory { get; } = new(
        [
            All("exempt", "exempt", 1, "", InGroups(Groups.Masters)),
            All("catch-all", "catch-all", 10_000, ByUser, InGroups(Groups.Unauthenticated, Groups.Authenticated)),
        ],
        [
            new() { Metadata = new() { Name = "exempt" }, Spec = new() { Type = "Exempt", Exempt = new() { NominalConcurrencyShares = 0, LendablePercent = 0 } } },
            new() { Metadata = new() { Name = "catch-all" }, Spec = new() { Type = "Limited", Limited = new() { NominalConcurrencyShares = 5, LendablePercent = 0, LimitResponse = new() { Type = "Reject" } } } },
        ]);

    public static Set Suggested { get; } = new(
        [
            new()
            {
                Metadata = new() { Name = "probes" },
                Spec = Spec("exempt", 2, "", new()
                {
                    Subjects = InGroups(Groups.Unauthenticated, Groups.Authenticated),
                    NonResourceRules = [new() { Verbs = ["get"], NonResourceURLs = ["/healthz", "/readyz", "/livez"] }],
                }),
            },
            Of("system-leader-election", "leader-election", 100, [.. Users("system:kube-controller-manager", "system:kube-scheduler"), .. SystemAccounts], Elections),
            // Before the next one, which would take its writes for elections.
            Of("endpoint-controller", "workload-high", 150,
                [.. Users("system:kube-controller-manager"), Account("kube-system", "endpoint-controller"), Account("kube-system", "endpointslicemirroring-controller")], [Electing("", "endpoints")]),
            Of("workload-leader-election", "leader-election", 200, SystemAccounts, [Electing("", "endpoints", "configmaps"), .. Elections]),
            Of("system-node-high", "node-high", 400, InGroups(Groups.Nodes),
            [
                new() { Verbs = ["*"], ApiGroups = [""], Resources = ["nodes", "nodes/status"], Namespaces = ["*"], ClusterScope = true },
                new() { Verbs = ["*"], ApiGroups = [Leases], Resources = ["leases"], Namespaces = ["*"] },
            ]),
            All("system-nodes", "system", 500, ByUser, InGroups(Groups.Nodes)),
            All("kube-controller-manager", "workload-high", 800, ByNamespace, Users("system:kube-controller-manager")),
            All("kube-scheduler", "workload-high", 800, ByNamespace, Users("system:kube-scheduler")),
            All("kube-system-service-accounts", "workload-high", 900, ByNamespace, SystemAccounts),
            All("service-accounts", "workload-low", 9000, ByUser, InGroups(Groups.ServiceAccounts)),
            All("global-default", "global-default", 9900, ByUser, InGroups(Groups.Unauthenticated, Groups.Authenticated)),
        ],
        [
            Level("system", 30, 33, 64),
            // Apart from "system", so that nodes can say that they are well even while starting Pods takes all there is.
            Level("node-high", 40, 25, 64),
            Level("leader-election", 10, 0, 16, hand: 4),
            Level("workload-high", 40, 50, 128),
            Level("workload-low", 100, 90, 128),
            Level("global-default", 20, 50, 128),
        ]);

    static Seq<Subject> SystemAccounts => [Account("kube-system", "*")];

    static Seq<ResourcePolicyRule> Elections => [Electing(Leases, "leases")];

    static ResourcePolicyRule Electing(string group, params string[] resources) => new() { Verbs = ["get", "create", "update"], ApiGroups = [group], Resources = resources, Namespaces = ["*"] };

    static Seq<Subject> InGroups(params string[] names) => [.. names.Select(n => new Subject { Kind = "Group", Group = new() { Name = n } })];

    static Seq<Subject> Users(params string[] names) => [.. names.Select(n => new Subject { Kind = "User", User = new() { Name = n } })];

    static Subject Account(string ns, string name) => new() { Kind = "ServiceAccount", ServiceAccount = new() { Namespace = ns, Name = name } };

    static FlowSchemaSpec Spec(string level, int precedence, string method, PolicyRulesWithSubjects rule) => new()
    {
        PriorityLevelConfiguration = new() { Name = level }, MatchingPrecedence = precedence, DistinguisherMethod = method.Length == 0 ? null : new() { Type = method }, Rules = [rule],
    };

    static FlowSchema Of(string name, string level, int precedence, Seq<Subject> subjects, Seq<ResourcePolicyRule> rules) => new()
    {
        Metadata = new() { Name = name }, Spec = Spec(level, precedence, ByUser, new() { Subjects = subjects, ResourceRules = rules }),
    };

    static FlowSchema All(string name, string level, int precedence, string method, Seq<Subject> subjects) => new()
    {
        Metadata = new() { Name = name },
        Spec = Spec(level, precedence, method, new()
        {
            Subjects = subjects,
            ResourceRules = [new() { Verbs = ["*"], ApiGroups = ["*"], Resources = ["*"], Namespaces = ["*"], ClusterScope = true }],
            NonResourceRules = [new() { Verbs = ["*"], NonResourceURLs = ["*"] }],
        }),
    };

    static PriorityLevelConfiguration Level(string name, int shares, int lendable, int queues, int hand = 6) => new()
    {
        Metadata = new() { Name = name },
        Spec = new()
        {
            Type = "Limited",
            Limited = new()
            {
                NominalConcurrencyShares = shares, LendablePercent = lendable,
                LimitResponse = new() { Type = "Queue", Queuing = new() { Queues = queues, HandSize = hand, QueueLengthLimit = 50 } },
            },
        },
    };
}
