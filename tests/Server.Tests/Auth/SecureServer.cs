using System.Security.Cryptography;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rbac.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth;
using Hanbae.Server.Auth.Tokens;

namespace Hanbae.Server.Tests.Auth;

/// <summary>An API server with all of its security, over a memory store: asked in process as whoever, or over HTTPS.</summary>
public sealed class SecureServer : IAsyncDisposable
{
    public static readonly Identity Admin = new("admin", [Groups.Masters, Groups.Authenticated]);
    readonly TestServer _server;

    SecureServer(TestServer server, Security security, Clock clock) => (_server, Security, Clock) = (server, security, clock);

    public Security Security { get; }
    public Clock Clock { get; }
    public TestServer Http => _server;
    public ApiServer Api => _server.Server;

    public static async Task<SecureServer> StartAsync(Func<SecurityOptions, SecurityOptions>? change = null, Func<ServerOptions, ServerOptions>? also = null)
    {
        var clock = new Clock();
        var options = new SecurityOptions { ServiceAccountKeys = [TokenKey.Of(ECDsa.Create(ECCurve.NamedCurves.nistP256))], Time = clock };
        var security = new Security(change?.Invoke(options) ?? options);
        var server = await TestServer.StartAsync(o => security.AddTo(also?.Invoke(o) ?? o));
        security.Objects.Attach(server.Server.Resources.Stored);
        var secure = new SecureServer(server, security, clock);
        foreach (string ns in (string[])["default", "kube-system", "kube-public", "kube-node-lease"]) await secure.MakeAsync(new Namespace { Metadata = new() { Name = ns } });
        await secure.MakeAsync(new ServiceAccount { Metadata = new() { Name = "default", Namespace = "default" } });
        return secure;
    }

    public async Task<ApiResult> CallAsync(Identity user, string method, string path, IKind? body = null, params (string, string)[] query) =>
        await Api.Transport.SendAsync(new() { Method = method, Path = path, Object = body, Identity = user, Query = [.. query.Select(q => KeyValuePair.Create(q.Item1, q.Item2))] }, CancellationToken.None);

    /// <summary>As the administrator; must succeed.</summary>
    public async Task<T> MakeAsync<T>(T obj) where T : class, IObject<T> => (T)Good(await CreateAsync(Admin, obj)).Object!;

    public Task<ApiResult> CreateAsync<T>(Identity user, T obj) where T : class, IObject<T> => CallAsync(user, "POST", Resources.Of<T>().Path(obj.Metadata.Namespace), obj);

    public Task<ApiResult> DeleteAsync<T>(Identity user, string ns, string name) where T : class, IObject<T> => CallAsync(user, "DELETE", Resources.Of<T>().Path(ns, name));

    public async Task<T> GetAsync<T>(string ns, string name) where T : class, IObject<T> => (T)Good(await CallAsync(Admin, "GET", Resources.Of<T>().Path(ns, name))).Object!;

    public static ApiResult Good(ApiResult result) => result.Code < 300 ? result : throw new InvalidOperationException(Message(result));

    public static string Message(ApiResult result) => (result.Object as Status)?.Message ?? "";

    public static Pod Pod(string name, string ns = "default") =>
        new() { Metadata = new() { Name = name, Namespace = ns }, Spec = new() { Containers = [new() { Name = "main", Image = "example/app:1" }] } };

    public static PolicyRule Rule(string verbs, string group, string resources, params string[] names) =>
        new() { Verbs = verbs.Split(','), ApiGroups = [group], Resources = resources.Split(','), ResourceNames = names };

    public Task BindAsync(string name, Subject subject, params PolicyRule[] rules) => BindAsync(name, "", subject, rules);

    /// <summary>Makes a ClusterRole of the rules and binds it, everywhere or in a namespace.</summary>
    public async Task BindAsync(string name, string ns, Subject subject, params PolicyRule[] rules)
    {
        await MakeAsync(new ClusterRole { Metadata = new() { Name = name }, Rules = rules });
        var role = new RoleRef { ApiGroup = "rbac.authorization.k8s.io", Kind = "ClusterRole", Name = name };
        if (ns.Length == 0) await MakeAsync(new ClusterRoleBinding { Metadata = new() { Name = name }, RoleRef = role, Subjects = [subject] });
        else await MakeAsync(new RoleBinding { Metadata = new() { Name = name, Namespace = ns }, RoleRef = role, Subjects = [subject] });
    }

    public static Subject User(string name) => new() { Kind = "User", ApiGroup = "rbac.authorization.k8s.io", Name = name };
    public static Subject Group(string name) => new() { Kind = "Group", ApiGroup = "rbac.authorization.k8s.io", Name = name };

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Security.Dispose();
    }
}

/// <summary>A clock that stands where it is put; timers are the system's.</summary>
public sealed class Clock : TimeProvider
{
    public DateTimeOffset Now { get; set; } = System.GetUtcNow();
    public override DateTimeOffset GetUtcNow() => Now;
}
