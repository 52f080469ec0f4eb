using System.Net.Http.Headers;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Codec;
using Hanbae.Api.Json;
using Hanbae.Server.Backends;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Crd.Conversion;

/// <summary>Asks a definition's webhook to make objects of one version into another: ConversionReview over HTTPS, many objects at a time.</summary>
sealed class ConversionWebhook : IDisposable
{
    static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);
    /// <summary>A question of many objects is asked in parts of about so many bytes; an answer may be this much longer.</summary>
    const int LongQuestion = 8 << 20, MostAnswer = 64 << 20;

    readonly HttpClient _http;
    readonly Uri _url;
    readonly string? _version;

    public ConversionWebhook(WebhookConversion webhook, ServiceBackends backends)
    {
        var client = webhook.ClientConfig ?? new();
        var service = client.Service;
        _url = service is null ? new(client.Url ?? "https://localhost/") : new($"https://{service.Name}.{service.Namespace}.svc:{service.Port ?? 443}{service.Path ?? "/"}");
        _version = webhook.ConversionReviewVersions.Find(v => v is "v1" or "v1beta1");
        var handler = new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(10), SslOptions = BackendTls.Trusting(client.CaBundle) };
        if (service is not null) handler.ConnectCallback = (_, ct) => backends.DialAsync(service.Namespace, service.Name, service.Port ?? 443, ct);
        _http = new(handler) { Timeout = s_timeout, MaxResponseContentBufferSize = MostAnswer };
    }

    /// <exception cref="StatusException">The webhook failed, or answered what it must not.</exception>
    public async ValueTask<IReadOnlyList<Unstructured>> ConvertAsync(IReadOnlyList<Unstructured> objects, CustomKind to, CancellationToken ct)
    {
        if (objects.Count == 0) return [];
        if (_version is null) throw Statuses.Unknown("no supported conversion review versions");
        var converted = new List<Unstructured>(objects.Count);
        while (converted.Count < objects.Count) converted.AddRange(await ConvertSomeAsync([.. objects.Skip(converted.Count)], to, ct).ConfigureAwait(false));
        return converted;
    }

    /// <returns>The first of them, as many as one question has room for.</returns>
    async ValueTask<IReadOnlyList<Unstructured>> ConvertSomeAsync(IReadOnlyList<Unstructured> objects, CustomKind to, CancellationToken ct)
    {
        string uid = Guid.NewGuid().ToString();
        try
        {
            byte[] question = Review(uid, ref objects, to);
            using var response = await _http.PostAsync(_url, Body(question), ct).ConfigureAwait(false);
            byte[] answer = await response.Content.ReadAsByteArrayAsync(ct).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
                throw new IOException($"the server could not find the requested resource or refused it ({(int)response.StatusCode}): {Encoding.UTF8.GetString(answer.AsSpan(0, Math.Min(answer.Length, 256)))}");
            return Read(answer, uid, objects, to);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonSyntaxException or DecodeException or InvalidCastException or ObjectDisposedException
            || e is OperationCanceledException && !ct.IsCancellationRequested)
        {
            // One that is disposed of belongs to a definition that has been changed: whoever still watches by it begins anew.
            string why = e is ObjectDisposedException ? "the definition was changed"
                : e is OperationCanceledException ? "context deadline exceeded"
                : e is HttpRequestException ? $"Post \"{_url}\": {e.InnerException?.Message ?? e.Message}" : e.Message;
            throw Statuses.Unknown($"conversion webhook for {GoKind(objects[0])} failed: {why}");
        }
    }

    static string GoKind(Unstructured obj) => $"{obj.Info.ApiVersion}, Kind={obj.Info.Kind}";

    static ByteArrayContent Body(byte[] json) => new(json) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };

    /// <param name="objects">Afterwards those that are asked for.</param>
    byte[] Review(string uid, ref IReadOnlyList<Unstructured> objects, CustomKind to)
    {
        var writer = new JsonWriter(16 << 10);
        try
        {
            writer.Raw("{\"kind\":\"ConversionReview\",\"apiVersion\":"u8);
            writer.String("apiextensions.k8s.io/" + _version);
            writer.Raw(",\"request\":{\"uid\":"u8);
            writer.String(uid);
            writer.Raw(",\"desiredAPIVersion\":"u8);
            writer.String(to.ApiVersion);
            writer.Raw(",\"objects\":["u8);
            for (int i = 0; i < objects.Count; i++)
            {
                if (i > 0) writer.Byte((byte)',');
                objects[i].Info.WriteJson(objects[i], ref writer);
                if (writer.Position < LongQuestion) continue;
                objects = [.. objects.Take(i + 1)];
                break;
            }
            writer.Raw("]}}"u8);
            return writer.ToArray();
        }
        finally { writer.Dispose(); }
    }

    IReadOnlyList<Unstructured> Read(byte[] answer, string uid, IReadOnlyList<Unstructured> objects, CustomKind to)
    {
        var review = (JsonObject)JsonValue.Parse(answer);
        if (review["kind"].Text() != "ConversionReview" || review["apiVersion"].Text() != "apiextensions.k8s.io/" + _version)
            throw new IOException($"expected webhook response of apiextensions.k8s.io/{_version}, Kind=ConversionReview, got {review["apiVersion"].Text()}, Kind={review["kind"].Text()}");
        if (review["response"] is not JsonObject response) throw new IOException("no response provided");
        if (_version == "v1" && response["uid"].Text() != uid) throw new IOException($"expected response.uid=\"{uid}\", got \"{response["uid"].Text()}\"");
        var result = response["result"] as JsonObject;
        if ((result?["status"]).Text() != "Success") throw new IOException((result?["message"]).Text() is { Length: > 0 } message ? message : $"response.result.status was '{(result?["status"]).Text()}', not 'Success'");
        var converted = response["convertedObjects"] as JsonArray ?? JsonArray.Empty;
        if (converted.Count != objects.Count) throw Statuses.Unknown($"conversion webhook for {GoKind(objects[0])} returned {converted.Count} objects, expected {objects.Count}");
        return [.. converted.Select((c, i) => Checked((JsonObject)c, objects[i], to))];
    }

    /// <summary>A webhook converts what objects say, not which they are: of metadata only labels and annotations are taken from it.</summary>
    static Unstructured Checked(JsonObject converted, Unstructured from, CustomKind to)
    {
        string version = converted["apiVersion"].Text(), kind = converted["kind"].Text();
        if (version != to.ApiVersion || kind != to.Kind) throw new IOException($"converted object at index 0 has invalid groupVersion: {version}, expected {to.ApiVersion}");
        var obj = (Unstructured)to.Decode(converted.ToUtf8());
        var (now, was) = (obj.Metadata, from.Metadata);
        if (now.Name != was.Name || now.Namespace != was.Namespace || now.Uid != was.Uid) throw new IOException("invalid metadata of converted object: name, namespace and uid must not change");
        return obj with { Metadata = was with { Labels = now.Labels, Annotations = now.Annotations } };
    }

    public void Dispose() => _http.Dispose();
}
