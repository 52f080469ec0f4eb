using Hanbae.Api.Rbac.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth;
using Hanbae.Server.Auth.Rbac;
using Hanbae.Server.Cache;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Auth;

/// <summary>Work counted, not timed: what a check costs does not grow with the number of roles and bindings.</summary>
public sealed class RbacIndexTests
{
    static readonly Identity s_ann = new("ann", ["devs", Groups.Authenticated]);

    static async Task<(long First, long Again, long AfterAWrite)> CountAsync(int bindings)
    {
        await using var server = await StartAsync();
        for (int i = 0; i < bindings; i++)
            await server.MakeAsync(new ClusterRoleBinding
            {
                Metadata = new() { Name = "b" + i }, Subjects = [User("user-" + i)], RoleRef = new() { ApiGroup = "rbac.authorization.k8s.io", Kind = "ClusterRole", Name = "readers" },
            });
        await server.BindAsync("readers", User("ann"), Rule("list", "", "pods"));
        var index = new RbacIndex(server.Security.Objects);
        var rbac = new RbacAuthorizer(index);
        async Task<long> CheckAsync()
        {
            long before = index.Looked;
            var decision = await rbac.AuthorizeAsync(new() { User = s_ann, Verb = "list", IsResourceRequest = true, Resource = "pods", Namespace = "default" }, CancellationToken.None);
            Assert.Equal(Verdict.Allow, decision.Verdict);
            return index.Looked - before;
        }
        await index.RefreshAsync(CancellationToken.None);
        long first = await CheckAsync(), again = await CheckAsync();
        await server.MakeAsync(new ClusterRoleBinding { Metadata = new() { Name = "one-more" }, Subjects = [User("eve")], RoleRef = new() { ApiGroup = "rbac.authorization.k8s.io", Kind = "ClusterRole", Name = "readers" } });
        return (first, again, await CheckAsync());
    }

    [Fact]
    public async Task A_check_looks_at_what_is_bound_to_the_user_and_at_nothing_else()
    {
        var few = await CountAsync(3);
        var many = await CountAsync(1500);

        Assert.Equal(few, many);
        Assert.Equal(0, many.Again);
    }

    [Fact]
    public void Versions_differ_in_what_was_written()
    {
        var random = new Random(42);
        var items = Enumerable.Range(0, 2000).Select(i => Make(random.Next(5000))).DistinctBy(i => i.Key).OrderBy(i => i.Key, StringComparer.Ordinal).ToList();
        var sorted = Sorted.From(items);
        for (int round = 0; round < 60; round++)
        {
            var next = sorted;
            for (int i = 0; i < random.Next(1, 40); i++)
                next = random.Next(3) == 0 ? next.Remove("key-" + random.Next(5000).ToString("0000"), out _) : next.Set(Make(random.Next(5000)), out _);
            var expected = All(sorted).Keys.Union(All(next).Keys).Order(StringComparer.Ordinal)
                .Select(k => (Old: All(sorted).GetValueOrDefault(k), New: All(next).GetValueOrDefault(k))).Where(d => !ReferenceEquals(d.Old, d.New)).ToArray();

            Assert.Equal(expected, Sorted.Differences(sorted, next).ToArray());
            sorted = next;
        }
    }

    static Dictionary<string, Item> All(Sorted sorted)
    {
        var all = new Dictionary<string, Item>();
        foreach (var item in sorted.Between("", "")) all[item.Key] = item;
        return all;
    }

    static Item Make(int i) => Item.Unstored(new ClusterRole { Metadata = new() { Name = "key-" + i.ToString("0000") } }, "key-" + i.ToString("0000"));
}
