using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rbac.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth;
using Hanbae.Server.Bootstrap;
using Hanbae.Server.Tests.Auth;
using Xunit.Abstractions;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Bootstrap;

/// <summary>The roles that every cluster has are those of the table: nothing more, nothing less, and what they allow is what it says.</summary>
public sealed class RoleTableTests(ITestOutputHelper output) : IAsyncLifetime
{
    const string AutoUpdate = "rbac.authorization.kubernetes.io/autoupdate", RbacGroup = "rbac.authorization.k8s.io", Aggregate = RbacGroup + "/aggregate-to-";
    static readonly string[] s_verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "approve", "sign", "attest", "impersonate", "escalate", "bind", "proxy"];
    static readonly RoleTable s_table = RoleTable.Read();

    SecureServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await StartAsync();
        await StartAgainAsync();
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    Task StartAgainAsync() => ClusterBootstrap.EnsureAsync(_server.Api.Transport, new(), CancellationToken.None);

    static string KeyOf(IObject o) => (o.Metadata.Namespace.Length > 0 ? o.Metadata.Namespace + "/" : "") + o.Metadata.Name;

    async Task<IReadOnlyList<T>> AllAsync<T>() where T : class, IObject<T> => [.. Good(await _server.CallAsync(Admin, "GET", Resources.Of<T>().Path())).List!.Items.Cast<T>()];

    async Task<Dictionary<string, Seq<PolicyRule>>> RulesAsync() =>
        (await AllAsync<ClusterRole>()).Select(r => (KeyOf(r), r.Rules)).Concat((await AllAsync<Role>()).Select(r => (KeyOf(r), r.Rules))).ToDictionary();

    static string Say(Subject subject) => subject switch
    {
        { Kind: "ServiceAccount", Namespace: "kube-system", ApiGroup: "" } => "account=" + subject.Name,
        { ApiGroup: RbacGroup, Namespace: "" } => $"{subject.Kind.ToLowerInvariant()}={subject.Name}",
        _ => subject.ToString(),
    };

    async Task<Dictionary<string, (RoleRef Role, Seq<Subject> Subjects)>> BindingsAsync() =>
        (await AllAsync<ClusterRoleBinding>()).Select(b => (KeyOf(b), (b.RoleRef, b.Subjects))).Concat((await AllAsync<RoleBinding>()).Select(b => (KeyOf(b), (b.RoleRef, b.Subjects)))).ToDictionary();

    void Same(Dictionary<string, Seq<PolicyRule>> there, Func<string, IEnumerable<Cell>>? also = null)
    {
        var wrong = new List<string>();
        wrong.AddRange(s_table.Roles.Keys.Except(there.Keys).Select(k => k + ": is not there"));
        wrong.AddRange(there.Keys.Except(s_table.Roles.Keys).Select(k => k + ": is not in the table"));
        int cells = 0;
        foreach (var role in s_table.Roles.Values)
        {
            if (!there.TryGetValue(role.Key, out var rules)) continue;
            var held = Cell.Of(rules).ToHashSet();
            var wanted = role.Cells.Concat(also?.Invoke(role.Key) ?? []).ToHashSet();
            cells += wanted.Count;
            wrong.AddRange(wanted.Except(held).Select(c => $"{role.Key}: may not {c}"));
            wrong.AddRange(held.Except(wanted).Select(c => $"{role.Key}: may {c}, which is not in the table"));
        }
        output.WriteLine($"{s_table.Roles.Count} roles, {cells} cells, {s_table.Bindings.Count} bindings");
        Assert.Empty(wrong);
    }

    [Fact]
    public async Task The_stored_roles_are_those_of_the_table_cell_by_cell() => Same(await RulesAsync());

    [Fact]
    public async Task The_stored_bindings_are_those_of_the_table()
    {
        string[] wanted = [.. s_table.Bindings.Values.Select(b => $"{b.Key} {(b.Place.Length > 0 ? "Role" : "ClusterRole")} {b.Role}: {string.Join(' ', b.Subjects)}").Order(StringComparer.Ordinal)];
        string[] there = [.. (await BindingsAsync()).Select(b => $"{b.Key} {b.Value.Role.Kind} {b.Value.Role.Name}: {string.Join(' ', b.Value.Subjects.Select(Say))}").Order(StringComparer.Ordinal)];
        Assert.Equal(wanted, there);
    }

    [Fact]
    public async Task All_say_where_they_come_from_and_parts_what_they_are_part_of()
    {
        ObjectMeta[] all = [.. (await AllAsync<ClusterRole>()).Select(r => r.Metadata), .. (await AllAsync<Role>()).Select(r => r.Metadata),
            .. (await AllAsync<ClusterRoleBinding>()).Select(r => r.Metadata), .. (await AllAsync<RoleBinding>()).Select(r => r.Metadata)];
        Assert.All(all, meta => Assert.Equal(("rbac-defaults", "true"), (meta.Labels["kubernetes.io/bootstrapping"], meta.Annotations[AutoUpdate])));
        foreach (var role in await AllAsync<ClusterRole>())
        {
            var row = s_table.Roles[role.Metadata.Name];
            Assert.Equal(row.PartOf.Length > 0 ? [Aggregate + row.PartOf] : [], role.Metadata.Labels.Select(l => l.Key).Where(k => k.StartsWith(Aggregate, StringComparison.Ordinal)));
            Assert.Equal(row.Gathers.Length > 0 ? [Map.Of((Aggregate + row.Gathers, "true"))] : [], role.AggregationRule?.ClusterRoleSelectors.Select(s => s.MatchLabels) ?? []);
        }
    }

    /// <summary>Every role × every resource and subresource that is served × every verb, and the paths of the table: as the authorizer decides.</summary>
    [Fact]
    public async Task What_is_decided_is_what_the_table_says()
    {
        foreach (var role in s_table.Roles.Values)
        {
            var to = new RoleRef { ApiGroup = RbacGroup, Kind = role.Place.Length > 0 ? "Role" : "ClusterRole", Name = role.Name };
            if (role.Place.Length > 0) await _server.MakeAsync(new RoleBinding { Metadata = new() { Name = "test:" + role.Name, Namespace = role.Place[..^1] }, RoleRef = to, Subjects = [User(UserOf(role))] });
            else await _server.MakeAsync(new ClusterRoleBinding { Metadata = new() { Name = "test:" + role.Name }, RoleRef = to, Subjects = [User(UserOf(role))] });
        }
        (string Group, string Resource)[] resources = [.. _server.Api.Resources.All.SelectMany(r => r.Info.Subresources.Select(s => (r.Info.Gvr.Group, r.Info.Gvr.Resource + "/" + s.Name)).Append((r.Info.Gvr.Group, r.Info.Gvr.Resource)))
            .Concat(s_table.Roles.Values.SelectMany(r => r.Cells).Where(c => c.Group is not null && !c.Resource.Contains('*')).Select(c => (c.Group == "*" ? "example.com" : c.Group!, c.Resource))).Distinct()];
        string[] names = ["x", .. s_table.Roles.Values.SelectMany(r => r.Cells).Select(c => c.Name).Where(n => n.Length > 0).Distinct()];
        string[] paths = [.. s_table.Roles.Values.SelectMany(r => r.Cells).Where(c => c.Group is null).Select(c => c.Resource.Replace("*", "more", StringComparison.Ordinal)), "/", "/logs", "/healthzy", "/apisx", "/metrics/cadvisor", "/debug/pprof/"];
        var wrong = new List<string>();
        int asked = 0;
        foreach (var role in s_table.Roles.Values)
        {
            var user = new Identity(UserOf(role), []);
            string ns = role.Place.Length > 0 ? role.Place[..^1] : "default";
            var byVerb = role.Cells.ToLookup(c => c.Verb);
            async Task AskAsync(Cell cell)
            {
                asked++;
                int slash = cell.Resource.IndexOf('/');
                var decision = await _server.Security.Authorizer.AuthorizeAsync(cell.Group is null
                    ? new() { User = user, Verb = cell.Verb, IsResourceRequest = false, Path = cell.Resource }
                    : new()
                    {
                        User = user, Verb = cell.Verb, IsResourceRequest = true, ApiGroup = cell.Group, ApiVersion = "v1", Namespace = ns, Name = cell.Name,
                        Resource = slash < 0 ? cell.Resource : cell.Resource[..slash], Subresource = slash < 0 ? "" : cell.Resource[(slash + 1)..],
                    }, CancellationToken.None);
                if (decision.Verdict == Verdict.Allow != (Says(byVerb[cell.Verb], role, cell) || Says(byVerb["*"], role, cell))) wrong.Add($"{role.Key}: {cell}: {decision.Verdict}");
            }
            foreach (var (group, resource) in resources)
                foreach (string verb in s_verbs)
                    foreach (string name in names.AsSpan(0, resource is "signers" or "leases" or "configmaps" ? names.Length : 1).ToArray()) await AskAsync(new(group, resource, name, verb));
            foreach (string path in paths)
                foreach (string verb in (string[])["get", "post", "delete"]) await AskAsync(new(null, path, "", verb));
        }
        output.WriteLine($"{asked} decisions");
        Assert.Empty(wrong);
        Assert.InRange(asked, 100_000, 2_000_000);
    }

    static string UserOf(RoleRow role) => "test:" + role.Key;

    /// <summary>Asked the slow way, so that it cannot be wrong in the same way.</summary>
    static bool Says(IEnumerable<Cell> cells, RoleRow role, Cell asked) => cells.Any(cell =>
        (asked.Group is null
            // A role in a namespace says nothing of paths.
            ? cell.Group is null && role.Place.Length == 0 && (cell.Resource == asked.Resource || cell.Resource.EndsWith('*') && asked.Resource.StartsWith(cell.Resource[..^1], StringComparison.Ordinal))
            : cell.Group is not null && (cell.Group == "*" || cell.Group == asked.Group) && (cell.Name.Length == 0 || cell.Name == asked.Name)
                && (cell.Resource == "*" || cell.Resource == asked.Resource || cell.Resource.StartsWith("*/", StringComparison.Ordinal) && asked.Resource.EndsWith(cell.Resource[1..], StringComparison.Ordinal))));

    Task PutAsync<T>(T obj) where T : class, IObject<T> => _server.CallAsync(Admin, "PUT", Resources.Of<T>().Path(obj.Metadata.Namespace, obj.Metadata.Name), obj).ContinueWith(t => Good(t.Result), TaskScheduler.Default);

    static readonly PolicyRule s_added = Rule("get", "example.com", "things");

    [Fact]
    public async Task A_start_puts_back_every_rule_that_is_missing_and_keeps_what_was_added()
    {
        foreach (var role in await AllAsync<ClusterRole>()) await PutAsync(role with { Rules = role.AggregationRule is null ? [s_added] : [.. role.Rules, s_added] });
        foreach (var role in await AllAsync<Role>()) await PutAsync(role with { Rules = [s_added] });

        await StartAgainAsync();

        Same(await RulesAsync(), _ => Cell.Of([s_added]));
        // And once more: there is nothing left to do.
        long before = (await _server.Http.Store.CurrentAsync(CancellationToken.None)).Value;
        await StartAgainAsync();
        Assert.Equal(before, (await _server.Http.Store.CurrentAsync(CancellationToken.None)).Value);
    }

    [Fact]
    public async Task A_start_makes_what_was_deleted_and_leaves_alone_what_says_so()
    {
        ObjectMeta Closed(ObjectMeta meta) => meta with { Annotations = meta.Annotations.Set(AutoUpdate, "false") };
        foreach (var role in (await AllAsync<ClusterRole>()).Where((_, i) => i % 2 == 0)) Good(await _server.DeleteAsync<ClusterRole>(Admin, "", role.Metadata.Name));
        var closed = new HashSet<string>();
        foreach (var role in (await AllAsync<ClusterRole>()).Where(r => r.AggregationRule is null))
        {
            closed.Add(KeyOf(role));
            await PutAsync(role with { Metadata = Closed(role.Metadata), Rules = [] });
        }
        var binding = (await AllAsync<ClusterRoleBinding>()).Single(b => b.Metadata.Name == "system:monitoring");
        await PutAsync(binding with { Metadata = Closed(binding.Metadata), Subjects = [] });

        await StartAgainAsync();

        var there = await RulesAsync();
        Assert.NotEmpty(closed);
        Assert.All(closed, key => Assert.True(there[key].IsEmpty, key));
        Same(there.ToDictionary(r => r.Key, r => closed.Contains(r.Key) ? RulesOf(s_table.Roles[r.Key]) : r.Value));
        Assert.Empty((await BindingsAsync())["system:monitoring"].Subjects);
    }

    /// <summary>Stands in for what was left alone, so that the rest can be compared.</summary>
    static Seq<PolicyRule> RulesOf(RoleRow role) => [.. role.Cells.Select(c => c.Group is null ? new PolicyRule { Verbs = [c.Verb], NonResourceURLs = [c.Resource] }
        : new() { Verbs = [c.Verb], ApiGroups = [c.Group], Resources = [c.Resource], ResourceNames = c.Name.Length > 0 ? [c.Name] : [] })];

    [Fact]
    public async Task A_start_puts_back_every_subject_keeps_those_added_and_makes_bindings_of_other_roles_anew()
    {
        var before = await BindingsAsync();
        foreach (var binding in await AllAsync<ClusterRoleBinding>()) await PutAsync(binding with { Subjects = [User("added")] });
        foreach (var binding in await AllAsync<RoleBinding>()) await PutAsync(binding with { Subjects = [User("added")] });
        Good(await _server.DeleteAsync<ClusterRoleBinding>(Admin, "", "system:basic-user"));
        await _server.MakeAsync(new ClusterRoleBinding { Metadata = new() { Name = "system:basic-user" }, RoleRef = new() { ApiGroup = RbacGroup, Kind = "ClusterRole", Name = "cluster-admin" }, Subjects = [User("thief")] });

        await StartAgainAsync();

        foreach (var (key, (role, subjects)) in await BindingsAsync())
        {
            Assert.Equal(before[key].Role, role);
            string[] added = key == "system:basic-user" ? [] : ["user=added"];
            Assert.Equal(added.Concat(before[key].Subjects.Select(Say)).Order(StringComparer.Ordinal), subjects.Select(Say).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task What_a_role_was_made_to_gather_besides_it_still_gathers()
    {
        var view = await _server.GetAsync<ClusterRole>("", "view");
        var more = new LabelSelector { MatchLabels = Map.Of(("example.com/view", "true")) };
        await PutAsync(view with { AggregationRule = new() { ClusterRoleSelectors = [more] } });

        await StartAgainAsync();

        Assert.Equal([more, .. view.AggregationRule!.ClusterRoleSelectors], (await _server.GetAsync<ClusterRole>("", "view")).AggregationRule!.ClusterRoleSelectors);
    }

    [Theory]
    [InlineData("system:unauthenticated", "/healthz,/livez,/readyz,/version,/version/", "/metrics,/api,/apis,/openapi/v2,/healthz/etcd,/livez/ping,/")]
    [InlineData("system:authenticated", "/healthz,/livez,/readyz,/version,/api,/api/v1,/apis/apps/v1,/openapi/v3,/openapi/v2", "/metrics,/healthz/etcd,/logs,/")]
    [InlineData("system:serviceaccounts", "/.well-known/openid-configuration,/openid/v1/jwks", "/metrics,/openid/v1/keys")]
    [InlineData("system:monitoring", "/metrics,/metrics/slis,/healthz/etcd,/livez/ping,/readyz/etcd,/statusz,/flagz", "/logs,/apis")]
    public async Task Groups_of_everybody(string group, string allowed, string refused)
    {
        async Task<bool> May(string path) => (await _server.Security.Authorizer.AuthorizeAsync(new() { User = new("x", [group]), Verb = "get", IsResourceRequest = false, Path = path }, CancellationToken.None)).Verdict == Verdict.Allow;

        foreach (string path in allowed.Split(',')) Assert.True(await May(path), path);
        foreach (string path in refused.Split(',')) Assert.False(await May(path), path);
    }
}
