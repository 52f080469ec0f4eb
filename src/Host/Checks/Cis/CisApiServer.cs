using System.Net.Security;
using System.Security.Authentication;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Host.Pki;

namespace Hanbae.Host.Checks.Cis;

/// <summary>The API server: whom it lets in, what it lets them do, what it checks of what they write.</summary>
static class CisApiServer
{
    public static IEnumerable<CisItem> All { get; } =
    [
        new("1.2.1", "Who does not say who they are gets no more than health and version", AnonymousAsync),
        new("1.2.2", "No file of fixed tokens lets anybody in", (s, _) => Done(CisFinding.Of(Given(s, "token-auth-file") is null,
            Given(s, "token-auth-file") is { } file ? $"those of {file} are let in" : "none was given", "hanbae up --token-auth-file \"\""))),
        new("1.2.3", "Services do not take addresses that are not theirs (externalIPs)", ExternalAddressesAsync),
        new("1.2.4, 1.2.5", "The API server shows kubelets a certificate, and believes only kubelets of the cluster's authority", KubeletTrustAsync),
        new("1.2.6", "What nobody allowed is refused", async (s, ct) =>
        {
            var may = await s.MayAsync("hanbae:check:nobody", ["system:authenticated"], "list", "secrets", "", "kube-system", ct);
            return CisFinding.Of(!may.Allowed, "somebody without any role may not list Secrets", "take AlwaysAllow out of the authorization modes");
        }),
        new("1.2.7", "A node gets only what its own Pods need (authorizer Node)", async (s, ct) =>
        {
            var may = await s.MayAsync("system:node:" + s.Settings.NodeName, ["system:nodes", "system:authenticated"], "get", "secrets", "hanbae-check-none", "kube-system", ct);
            return CisFinding.Of(!may.Allowed && may.Reason.Contains("no relationship found", StringComparison.Ordinal), may.Reason.Length > 0 ? may.Reason : "allowed", "put Node among the authorization modes");
        }),
        new("1.2.8", "Rights come from roles (authorizer RBAC)", async (s, ct) =>
        {
            var may = await s.MayAsync("system:kube-scheduler", ["system:authenticated"], "list", "nodes", "", "", ct);
            return CisFinding.Of(may.Allowed && may.Reason.StartsWith("RBAC:", StringComparison.Ordinal),
                may.Reason.Length > 0 ? may.Reason : "the scheduler may not list nodes", "put RBAC among the authorization modes");
        }),
        new("1.2.9", "Floods of events are held back", (s, _) => Done(s.Settings.Flags.Admission().Enable.Contains("EventRateLimit") ? CisFinding.Pass("EventRateLimit limits them")
            : CisFinding.Manual("flow control shares the server among all clients; nothing limits events alone", "enable the admission plugin EventRateLimit where clients are not trusted"))),
        new("1.2.10", "Admission does not let everything through", async (s, ct) =>
        {
            var result = await CisSight.DryRunAsync(s.Client, Requests.Create(new Pod
            {
                Metadata = new() { Name = "hanbae-check", Namespace = "default" },
                Spec = new() { Containers = [new() { Name = "main", Image = "none" }], PriorityClassName = "hanbae-check-none" },
            }), ct);
            return CisFinding.Of(result.Code == 403,
                result.Code == 403 ? "a Pod of an unknown priority class was refused" : $"a Pod of an unknown priority class was answered {result.Code}", "take AlwaysAdmit out of the admission plugins");
        }),
        new("1.2.11", "Images are pulled anew for every Pod where several users share nodes", async (s, ct) =>
        {
            var made = await PodAsync(s, ct);
            return made?.Spec.Containers[0].ImagePullPolicy == "Always" ? CisFinding.Pass("pull policies become Always")
                : CisFinding.Manual("Pods choose their pull policy", "enable the admission plugin AlwaysPullImages where users must not see each other's images");
        }),
        new("1.2.12", "Every Pod has a service account, and a token that is its own", async (s, ct) =>
        {
            var made = await PodAsync(s, ct);
            bool holds = made is { Spec.ServiceAccountName: "default" } && made.Spec.Volumes.Exists(v => v.Projected?.Sources.Exists(p => p.ServiceAccountToken is not null) ?? false);
            return CisFinding.Of(holds, holds ? "a Pod that named none got default and a projected token" : "a Pod that named none got none", "put ServiceAccount back among the admission plugins");
        }),
        new("1.2.13", "Nothing is made in namespaces that are not there", async (s, ct) =>
        {
            var result = await CisSight.DryRunAsync(s.Client, Requests.Create(new ConfigMap { Metadata = new() { Name = "hanbae-check", Namespace = "hanbae-check-none" } }), ct);
            return CisFinding.Of(result.Code == 404, $"a ConfigMap in no namespace was answered {result.Code}", "put NamespaceLifecycle back among the admission plugins");
        }),
        new("1.2.14", "A node changes no other node (NodeRestriction)", async (s, ct) =>
        {
            var by = s.As("system:node:hanbae-check", "system:nodes", "system:authenticated");
            var result = await CisSight.DryRunAsync(by, Requests.Create(new Node { Metadata = new() { Name = "hanbae-check-other" } }), ct);
            return CisFinding.Of(result.Code == 403, $"a node that tried to make another was answered {result.Code}", "put NodeRestriction back among the admission plugins");
        }),
        new("1.2.15", "The API server is not open to profilers", async (s, ct) => await ProfilingAsync(s, ct)),
        .. CisAudit.Log,
        new("1.2.20", "Requests end", (s, _) => Done(CisFinding.Of(s.Settings.Flags.RequestTimeout <= TimeSpan.FromMinutes(5),
            $"after {s.Settings.Flags.RequestTimeout.TotalSeconds} seconds, but for watches and streams", "hanbae up --request-timeout 1m"))),
        new("1.2.21", "A token ends with its service account", TokenEndsAsync),
        new("1.2.22", "Tokens are signed with a key of their own", SignedAsync),
        new("1.2.23, 1.2.26", "The way to the store is encrypted and authenticated", CisComponents.StorePortsAsync),
        new("1.2.24", "The API server is reached by TLS only", async (s, ct) =>
        {
            // What the administrator's client has found by now is that the certificate is of the cluster's authority.
            var plain = await s.AskAsync(new UriBuilder(s.ApiServer) { Scheme = "http" }.Uri, "/version", "", ct);
            bool tls = await CisSight.ShakesAsync(s.ApiServer, SslProtocols.Tls13, ct);
            return CisFinding.Of(tls && plain.Code is 0 or 400, !tls ? "no TLS 1.3 handshake came to an end"
                : plain.Code is 0 or 400 ? "TLS 1.3, with a certificate of the cluster's authority; HTTP is not answered"
                : $"HTTP is answered {plain.Code}", "see the log");
        }),
        new("1.2.25", "Clients' certificates are believed from the cluster's authority only", async (s, ct) =>
        {
            var map = await s.Client.GetAsync<ConfigMap>(new("kube-system", "extension-apiserver-authentication"), ct);
            if (map.Data["client-ca-file"] != await File.ReadAllTextAsync(Path.Combine(s.PkiFolder, "ca.crt"), ct)) return CisFinding.Fail("what the cluster says it believes is not pki/ca.crt", "restart the cluster");
            int code = await s.AskAsStrangerAsync(s.ApiServer, "/api/v1/namespaces", ct);
            return CisFinding.Of(code is 401 or 403, $"an administrator by another authority's certificate is answered {code}", "take the other authority out of pki/ca.crt");
        }),
        new("1.2.27, 1.2.28", "Secrets are encrypted where they are stored", EncryptedAsync),
        new("1.2.29", "Weak ciphers and old TLS are refused", CiphersAsync),
        new("1.2.30", "Tokens of Pods are not extended beyond what was asked for", LifetimeAsync),
    ];

    static string? Given(CisSight s, string flag) => s.Settings.ServerFlags?.GetValueOrDefault(flag);

    static Task<CisFinding> Done(CisFinding finding) => Task.FromResult(finding);

    static async Task<CisFinding> AnonymousAsync(CisSight s, CancellationToken ct)
    {
        foreach (string path in (string[])["/api/v1/namespaces", "/api/v1/secrets", "/apis/rbac.authorization.k8s.io/v1/clusterroles", "/metrics", "/logs", "/api"])
            if (await s.AskAsync(s.ApiServer, path, "", ct) is { Code: not (401 or 403 or 404) } answer)
                return CisFinding.Fail($"{path} was answered {answer.Code} to nobody in particular", "take the roles away that are bound to system:unauthenticated or system:anonymous");
        return CisFinding.Pass("resources, metrics and discovery are refused; /livez, /readyz and /version answer");
    }

    static async Task<Pod?> PodAsync(CisSight s, CancellationToken ct)
    {
        var pod = new Pod { Metadata = new() { Name = "hanbae-check", Namespace = "default" }, Spec = new() { Containers = [new() { Name = "main", Image = "example.com/none:1" }] } };
        return (await CisSight.DryRunAsync(s.Client, Requests.Create(pod), ct)).Object as Pod;
    }

    static async Task<CisFinding> ExternalAddressesAsync(CisSight s, CancellationToken ct)
    {
        var service = new Service { Metadata = new() { Name = "hanbae-check", Namespace = "default" }, Spec = new() { Ports = [new() { Port = 80 }], ExternalIPs = ["192.0.2.1"] } };
        var result = await CisSight.DryRunAsync(s.Client, Requests.Create(service), ct);
        return result.Code == 403 ? CisFinding.Pass("a Service with externalIPs was refused")
            : CisFinding.Manual("whoever may write Services may give them externalIPs", "enable the admission plugin DenyServiceExternalIPs where those who write Services are not trusted");
    }

    static async Task<CisFinding> KubeletTrustAsync(CisSight s, CancellationToken ct)
    {
        if (await s.NodeAsync(ct) is null) return CisFiles.NoNode;
        var config = await s.KubeletAsync(ct);
        return CisFinding.Of(config.Count > 0, "the API server reached the kubelet with its certificate and believed the kubelet's", "see the log for why the kubelet cannot be reached");
    }

    static async Task<CisFinding> ProfilingAsync(CisSight s, CancellationToken ct)
    {
        int code = (await s.Client.Transport.SendAsync(new() { Method = "GET", Path = "/debug/pprof/" }, ct)).Code;
        return CisFinding.Of(code is 403 or 404, $"/debug/pprof/ is answered {code}", "turn profiling off");
    }

    static async Task<CisFinding> TokenEndsAsync(CisSight s, CancellationToken ct)
    {
        var account = await s.Client.CreateAsync(new ServiceAccount { Metadata = new() { GenerateName = "hanbae-check-", Namespace = "kube-system" } }, ct);
        string token;
        bool before;
        try
        {
            token = await TokenAsync(s, account, ct);
            before = await KnownAsync();
        }
        finally { await s.Client.TryDeleteAsync<ServiceAccount>(Key.Of(account), Api.Meta.V1.DeleteOptions.Empty, CancellationToken.None); }
        bool after = await KnownAsync();
        return CisFinding.Of(before && !after, $"a token was {(before ? "" : "not ")}believed, and {(after ? "still" : "no longer")} when its account was deleted", "see the log");

        async Task<bool> KnownAsync() => (await s.Client.CreateAsync(new TokenReview { Spec = new() { Token = token } }, ct)).Status.Authenticated;
    }

    internal static async Task<string> TokenAsync(CisSight s, ServiceAccount account, CancellationToken ct) =>
        (await s.Client.CreateAsync<ServiceAccount>(Key.Of(account), "token", new TokenRequest { Spec = new() { ExpirationSeconds = 600 } }, ct) as TokenRequest)?.Status.Token ?? "";

    static async Task<CisFinding> SignedAsync(CisSight s, CancellationToken ct)
    {
        var account = await s.Client.GetAsync<ServiceAccount>(new("default", "default"), ct);
        string[] parts = (await TokenAsync(s, account, ct)).Split('.');
        var keys = new PkiFolder(s.PkiFolder, TimeProvider.System).TokenKeys(ClusterPki.TokenKeyName);
        bool holds = parts.Length == 3 && keys.Any(k => k.Verify(Encoding.ASCII.GetBytes(parts[0] + "." + parts[1]), System.Buffers.Text.Base64Url.DecodeFromChars(parts[2])));
        return CisFinding.Of(holds, holds ? "pki/sa.pub verifies a token just made" : "pki/sa.pub does not verify a token just made", "restart the cluster, so that it signs with the key on the disk");
    }

    static async Task<CisFinding> EncryptedAsync(CisSight s, CancellationToken ct)
    {
        string mark = Guid.NewGuid().ToString("N");
        var secret = await s.Client.CreateAsync(new Secret { Metadata = new() { GenerateName = "hanbae-check-", Namespace = "kube-system" }, Data = Map.Of(("mark", Bytes.FromText(mark))) }, ct);
        try
        {
            byte[] written = Encoding.ASCII.GetBytes(Convert.ToBase64String(Encoding.ASCII.GetBytes(mark))), name = Encoding.ASCII.GetBytes(secret.Metadata.Name);
            bool there = false;
            foreach (string file in Directory.EnumerateFiles(s.StoreFolder, "store.db*"))
            {
                if (await Scan.ContainsAsync(file, written, ct)) return CisFinding.Fail($"the content of a Secret just made stands readable in {file}", "encrypt secrets: see --encryption-provider-config of `hanbae up`");
                there |= await Scan.ContainsAsync(file, name, ct);
            }
            string config = s.Settings.Flags.EncryptionConfig ?? Path.Combine(s.PkiFolder, OwnEncryption.FileName);
            return CisFinding.Of(there,
                there ? $"a Secret just made is in the store, its content is not readable there ({config})" : "a Secret just made was not found in the store's files", "look at the store's files by hand");
        }
        finally { await s.Client.TryDeleteAsync<Secret>(Key.Of(secret), Api.Meta.V1.DeleteOptions.Empty, CancellationToken.None); }
    }

    internal static async Task<CisFinding> CiphersAsync(Uri server, CancellationToken ct)
    {
        const string mend = "the cluster runs an older program: `hanbae down`, then `hanbae up`";
        ushort[] all = [.. TlsProbe.Strong, .. TlsProbe.WithCbc, .. TlsProbe.Weak];
        foreach (var (version, name) in ((ushort, string)[])[(TlsProbe.Tls10, "TLS 1.0"), (TlsProbe.Tls11, "TLS 1.1")])
            if (await TlsProbe.TakesAsync(server, version, all, ct)) return CisFinding.Fail($"{server.Authority} speaks {name}", mend);
        if (await TlsProbe.TakesAsync(server, TlsProbe.Tls12, TlsProbe.Weak, ct)) return CisFinding.Fail($"{server.Authority} took a weak cipher", mend);
        if (await TlsProbe.TakesAsync(server, TlsProbe.Tls12, TlsProbe.WithCbc, ct)) return CisFinding.Fail($"{server.Authority} took a cipher with CBC", mend);
        return await TlsProbe.TakesAsync(server, TlsProbe.Tls12, TlsProbe.Strong, ct)
            ? CisFinding.Pass("TLS 1.0, TLS 1.1, and ciphers without forward secrecy or authenticated encryption were refused; with these TLS 1.2 was taken")
            : CisFinding.Fail($"{server.Authority} took no TLS 1.2 at all, so that nothing can be said of its ciphers", "see the log");
    }

    static Task<CisFinding> CiphersAsync(CisSight s, CancellationToken ct) => CiphersAsync(s.ApiServer, ct);

    static async Task<CisFinding> LifetimeAsync(CisSight s, CancellationToken ct)
    {
        // The hour that the kubelet asks for, and the seven seconds that tell it is the kubelet's.
        const int asked = 3607;
        // A Pod that no node is given: only what runs for a Pod's sake gets a Pod's token.
        var pod = await s.Client.CreateAsync(new Pod
        {
            Metadata = new() { GenerateName = "hanbae-check-", Namespace = "kube-system" },
            Spec = new() { Containers = [new() { Name = "main", Image = "none" }], SchedulingGates = [new() { Name = "hanbae/check" }] },
        }, ct);
        TokenRequest made;
        try
        {
            var request = new TokenRequest { Spec = new() { ExpirationSeconds = asked, BoundObjectRef = new() { Kind = "Pod", ApiVersion = "v1", Name = pod.Metadata.Name, Uid = pod.Metadata.Uid } } };
            var account = new Key(pod.Metadata.Namespace, pod.Spec.ServiceAccountName);
            if (await s.Client.CreateAsync<ServiceAccount>(account, "token", request, ct) is not TokenRequest given) return CisFinding.Fail("no token was given", "see the log");
            made = given;
        }
        finally { await s.Client.TryDeleteAsync<Pod>(Key.Of(pod), Api.Meta.V1.DeleteOptions.Empty, CancellationToken.None); }
        var claims = JsonValue.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(made.Status.Token.Split('.')[1])) as JsonObject;
        long life = claims?["exp"] is JsonNumber end && claims["iat"] is JsonNumber from ? end.Int64 - from.Int64 : 0;
        return CisFinding.Of(life <= asked, $"a token asked for {asked} seconds lives {life}", "the cluster runs an older program: `hanbae down`, then `hanbae up`");
    }
}
