using Hanbae.Api;
using Hanbae.Api.Apiregistration.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth;
using Hanbae.Server.Backends;

namespace Hanbae.Server.Aggregation;

/// <summary>Finds out whether another API server can be asked: its Service, its endpoints, and at last itself.</summary>
/// <remarks>Reasons and sentences are those that people look for: upstream's availability controller.</remarks>
sealed class Availability(ServiceBackends backends, AggregationOptions options, TimeProvider time)
{
    const string Type = "Available";
    /// <summary>A document that is larger is no list of resources.</summary>
    const int MostBytes = 16 << 20;
    static readonly Identity s_checker = new("system:kube-aggregator", [Groups.Masters]);

    public static APIServiceCondition Local { get; } = new() { Type = Type, Status = "True", Reason = "Local", Message = "Local APIServices are always available" };
    static APIServiceCondition Passed { get; } = new() { Type = Type, Status = "True", Reason = "Passed", Message = "all checks passed" };

    static APIServiceCondition Not(string reason, string message) => new() { Type = Type, Status = "False", Reason = reason, Message = message };

    /// <summary>The status with the condition; the same one when it says so already.</summary>
    public static APIServiceStatus With(APIServiceStatus status, APIServiceCondition condition, DateTimeOffset now)
    {
        if (status.Conditions.Find(c => c.Type == Type) is not { } was) return status with { Conditions = [.. status.Conditions, condition with { LastTransitionTime = now }] };
        if (was.Status == condition.Status && was.Reason == condition.Reason && was.Message == condition.Message) return status;
        var changed = condition with { LastTransitionTime = was.Status == condition.Status ? was.LastTransitionTime : now };
        return status with { Conditions = [.. status.Conditions.Select(c => c.Type == Type ? changed : c)] };
    }

    /// <summary>The condition as of now; takes note of the resources that it hears of.</summary>
    public async Task<APIServiceCondition> CheckAsync(Remote remote, CancellationToken ct)
    {
        var (ns, name) = (remote.Service.Namespace, remote.Service.Name);
        if (options.Resolve is null)
        {
            if (await backends.FindAsync(ns, name, ct).ConfigureAwait(false) is not { } service) return Not("ServiceNotFound", $"service/{name} in \"{ns}\" is not present");
            if (service.Spec.Type is "" or "ClusterIP")
            {
                if (service.Spec.Ports.Find(p => p.Port == remote.Port) is not { } port)
                    return Not("ServicePortError", $"service/{name} in \"{ns}\" is not listening on port {remote.Port}");
                if ((await backends.SlicesAsync(ns, name, ct).ConfigureAwait(false)).Count == 0)
                    return Not("EndpointsNotFound", $"cannot find endpointslices for service/{name} in \"{ns}\"");
                if ((await backends.ReadyAsync(ns, name, port.Name, ct).ConfigureAwait(false)).Count == 0)
                    return Not("MissingEndpoints", $"endpoints for service/{name} in \"{ns}\" have no addresses with port name \"{port.Name}\"");
            }
        }
        string url = $"https://{remote.Authority}/apis/{remote.Version}";
        try
        {
            var (code, body, _) = await GetAsync(remote, $"/apis/{remote.Version}", "application/json", "", ct).ConfigureAwait(false);
            if (code is < 200 or >= 300) return Not("FailedDiscoveryCheck", $"failing or missing response from {url}: bad status from {url}: {code}");
            remote.Resources = ((APIResourceList)APIResourceList.Info.Decode(body)).Resources;
            return Passed;
        }
        catch (Exception e) when (IsFailure(e) && !ct.IsCancellationRequested)
        {
            string why = e is OperationCanceledException ? "context deadline exceeded" : (e.InnerException ?? e).Message;
            return Not("FailedDiscoveryCheck", $"failing or missing response from {url}: Get \"{url}\": {why}");
        }
    }

    public static bool IsFailure(Exception e) => e is HttpRequestException or IOException or OperationCanceledException or FormatException or Api.Codec.DecodeException
        or System.Net.Sockets.SocketException or System.Security.Authentication.AuthenticationException or InvalidOperationException;

    /// <summary>Asks in the aggregator's own name.</summary>
    /// <param name="tag">The ETag of what is known; 304 then when it is still so.</param>
    public async Task<(int Code, byte[] Body, string Tag)> GetAsync(Remote remote, string path, string accept, string tag, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(options.CheckTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://{remote.Authority}{path}");
        request.Headers.TryAddWithoutValidation("Accept", accept);
        if (tag.Length > 0) request.Headers.TryAddWithoutValidation("If-None-Match", tag);
        foreach (var (header, value) in ProxyHeaders.Of(s_checker)) request.Headers.TryAddWithoutValidation(header, value);
        using var answer = await remote.Http.SendAsync(request, either.Token).ConfigureAwait(false);
        var body = await answer.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false);
        var whole = new MemoryStream();
        byte[] buffer = new byte[16 << 10];
        for (int read; (read = await body.ReadAsync(buffer, either.Token).ConfigureAwait(false)) > 0;)
        {
            if (whole.Length + read > MostBytes) throw new IOException("the answer is too large");
            whole.Write(buffer, 0, read);
        }
        return ((int)answer.StatusCode, whole.ToArray(), answer.Headers.ETag?.ToString() ?? "");
    }
}
