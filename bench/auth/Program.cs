using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rbac.V1;
using Hanbae.Api.Rest;
using Hanbae.Server;
using Hanbae.Server.Auth;
using Hanbae.Server.Auth.Tokens;
using Hanbae.Store.Memory;

namespace Hanbae.Bench.Auth;

/// <summary>What authentication and authorization cost a request, warm, with many roles and bindings: <c>dotnet run -c Release --project bench/auth [-- bindings seconds [guards]]</c>.</summary>
/// <remarks>The best slice of many counts: what the code costs when nobody else has the processor. The processor's time is counted, not the clock's.</remarks>
static class Program
{
    static readonly Identity s_admin = new("admin", [Groups.Masters]);

    static async Task Main(string[] args)
    {
        int bindings = args.Length > 0 ? int.Parse(args[0]) : 10_000;
        double seconds = args.Length > 1 ? double.Parse(args[1]) : 2;
        using var authority = Authority();
        using var certificate = Signed(authority, "CN=ann,O=devs");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var security = new Security(new() { ClientAuthorities = [authority], ServiceAccountKeys = [TokenKey.Of(key)] });
        await using var store = new MemoryStore(new());
        await using var server = new ApiServer(store, security.AddTo(new()));
        security.Objects.Attach(server.Resources.Stored);
        if (args is [.., "guards"])
        {
            await Guards.MeasureAsync(authority, certificate, seconds);
            return;
        }
        await FillAsync(server, bindings);
        string token = await TokenAsync(server);
        KeyValuePair<string, string>[] plain = [new("Accept", "application/json"), new("User-Agent", "bench"), new("Accept-Encoding", "gzip")];
        var bearer = new KeyValuePair<string, string>("Authorization", "Bearer " + token);
        Console.WriteLine($"{bindings} roles and bindings, {Environment.ProcessorCount} processors, .NET {Environment.Version}");
        Console.WriteLine($"{"request",-44} {"µs of processor",16} {"bytes",8}");
        await MeasureAsync("certificate, allowed everywhere", () => new Asked("/api/v1/pods", certificate, plain), true);
        await MeasureAsync("certificate, allowed in the namespace", () => new Asked("/api/v1/namespaces/team/configmaps/c", certificate, plain), true);
        await MeasureAsync("certificate, refused", () => new Asked("/api/v1/namespaces/team/secrets/s", certificate, plain), false);
        await MeasureAsync("token, allowed everywhere", () => new Asked("/api/v1/pods", null, [.. plain, bearer]), true);
        await MeasureAsync("token, allowed in the namespace", () => new Asked("/api/v1/namespaces/team/configmaps/c", null, [.. plain, bearer]), true);
        await MeasureAsync("token, refused", () => new Asked("/api/v1/namespaces/team/secrets/s", null, [.. plain, bearer]), false);

        async Task MeasureAsync(string name, Func<Asked> make, bool allowed)
        {
            double best = double.MaxValue;
            long bytes = 0;
            var until = Stopwatch.StartNew();
            while (until.Elapsed.TotalSeconds < seconds)
            {
                const int Slice = 2000;
                long allocated = GC.GetAllocatedBytesForCurrentThread();
                var (requests, before) = (Enumerable.Range(0, Slice).Select(_ => make()).ToArray(), Environment.CpuUsage.TotalTime);
                allocated = GC.GetAllocatedBytesForCurrentThread();
                foreach (var request in requests)
                    if (await DecideAsync(security, request) != allowed) throw new InvalidOperationException(name + ": the answer is wrong");
                var spent = Environment.CpuUsage.TotalTime - before;
                bytes = (GC.GetAllocatedBytesForCurrentThread() - allocated) / Slice;
                best = Math.Min(best, spent.TotalMicroseconds / Slice);
            }
            Console.WriteLine($"{name,-44} {best,16:0.00} {bytes,8}");
        }
    }

    /// <summary>As the chain has it, from the authenticators to the decision.</summary>
    static async ValueTask<bool> DecideAsync(Security security, Asked request)
    {
        foreach (var authenticator in security.Authenticators)
            if ((await authenticator.AuthenticateAsync(request, CancellationToken.None)).User is { } user)
            {
                request.User = user;
                var info = request.Info;
                var decision = await security.Authorizer.AuthorizeAsync(new()
                {
                    User = user, Verb = info.Verb, IsResourceRequest = info.IsResourceRequest, Path = request.Path, ApiGroup = info.ApiGroup, ApiVersion = info.ApiVersion,
                    Namespace = info.Namespace, Resource = info.Resource, Subresource = info.Subresource, Name = info.Name,
                }, CancellationToken.None);
                return decision.Verdict == Verdict.Allow;
            }
        throw new InvalidOperationException("nobody knows who that is");
    }

    static async Task FillAsync(ApiServer server, int bindings)
    {
        foreach (string ns in (string[])["default", "team"]) await MakeAsync(server, new Namespace { Metadata = new() { Name = ns } });
        await MakeAsync(server, new ServiceAccount { Metadata = new() { Name = "robot", Namespace = "default" } });
        for (int i = 0; i < bindings; i++)
        {
            await MakeAsync(server, new ClusterRole { Metadata = new() { Name = "role-" + i }, Rules = [new() { Verbs = ["get", "list"], ApiGroups = ["", "apps"], Resources = ["pods", "deployments", "things-" + i] }] });
            var reference = new RoleRef { ApiGroup = "rbac.authorization.k8s.io", Kind = "ClusterRole", Name = "role-" + i };
            if (i % 2 == 0) await MakeAsync(server, new ClusterRoleBinding { Metadata = new() { Name = "binding-" + i }, RoleRef = reference, Subjects = [new() { Kind = "User", ApiGroup = reference.ApiGroup, Name = "user-" + i }] });
            else await MakeAsync(server, new RoleBinding { Metadata = new() { Name = "binding-" + i, Namespace = "team" }, RoleRef = reference, Subjects = [new() { Kind = "Group", ApiGroup = reference.ApiGroup, Name = "group-" + i }] });
        }
        foreach (var subject in (Subject[])[new() { Kind = "User", ApiGroup = "rbac.authorization.k8s.io", Name = "ann" }, new() { Kind = "ServiceAccount", Namespace = "default", Name = "robot" }])
        {
            string name = subject.Name;
            await MakeAsync(server, new ClusterRole { Metadata = new() { Name = name }, Rules = [new() { Verbs = ["get", "list"], ApiGroups = [""], Resources = ["pods"] }] });
            await MakeAsync(server, new ClusterRole { Metadata = new() { Name = name + "-maps" }, Rules = [new() { Verbs = ["get"], ApiGroups = [""], Resources = ["configmaps"] }] });
            await MakeAsync(server, new ClusterRoleBinding { Metadata = new() { Name = name }, RoleRef = new() { ApiGroup = "rbac.authorization.k8s.io", Kind = "ClusterRole", Name = name }, Subjects = [subject] });
            await MakeAsync(server, new RoleBinding { Metadata = new() { Name = name, Namespace = "team" }, RoleRef = new() { ApiGroup = "rbac.authorization.k8s.io", Kind = "ClusterRole", Name = name + "-maps" }, Subjects = [subject] });
        }
    }

    static async Task<string> TokenAsync(ApiServer server)
    {
        var result = await server.Transport.SendAsync(new() { Method = "POST", Path = "/api/v1/namespaces/default/serviceaccounts/robot/token", Object = new TokenRequest(), Identity = s_admin }, CancellationToken.None);
        return ((TokenRequest)result.Object!).Status.Token;
    }

    internal static async Task MakeAsync<T>(ApiServer server, T obj) where T : class, IObject<T>
    {
        var result = await server.Transport.SendAsync(new() { Method = "POST", Path = Resources.Of<T>().Path(obj.Metadata.Namespace), Object = obj, Identity = s_admin }, CancellationToken.None);
        if (result.Code >= 300) throw new InvalidOperationException((result.Object as Api.Meta.V1.Status)?.Message);
    }

    static X509Certificate2 Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=bench", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.Now.AddDays(-1), DateTimeOffset.Now.AddDays(1));
    }

    static X509Certificate2 Signed(X509Certificate2 authority, string subject)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new("1.3.6.1.5.5.7.3.2")], false));
        return request.Create(authority, DateTimeOffset.Now.AddHours(-1), DateTimeOffset.Now.AddHours(20), RandomNumberGenerator.GetBytes(12));
    }
}
