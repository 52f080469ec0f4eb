using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Client;

/// <summary>Says what a typed call looks like as a request: no I/O, so that paths and queries are plain values.</summary>
public static class Requests
{
    /// <summary>One object, or a subresource of it.</summary>
    public static ApiRequest Get(ResourceInfo of, Key key, string subresource = "") =>
        new() { Method = "GET", Path = of.Path(key.Namespace, key.Name, subresource), Kind = of.Kind };

    /// <inheritdoc cref="Get(ResourceInfo, Key, string)"/>
    public static ApiRequest Get<T>(Key key, string subresource = "") where T : class, IObject<T> => Get(Resources.Of<T>(), key, subresource);

    /// <summary>What a query asks for.</summary>
    public static ApiRequest List(ResourceInfo of, ListQuery query)
    {
        var parameters = Selection(query);
        if (query.Continue.Length > 0) Add(parameters, "continue", query.Continue);
        if (query.Limit > 0) Add(parameters, "limit", query.Limit.ToString(CultureInfo.InvariantCulture));
        // A continue token carries its revision; the server refuses a second one.
        if (query.Continue.Length == 0)
        {
            if (query.ResourceVersion is { Length: > 0 } version) Add(parameters, "resourceVersion", version);
            if (query.ResourceVersionMatch.Length > 0) Add(parameters, "resourceVersionMatch", query.ResourceVersionMatch);
        }
        return new() { Method = "GET", Path = of.Path(query.Namespace), Query = parameters, Kind = of.Kind };
    }

    /// <inheritdoc cref="List(ResourceInfo, ListQuery)"/>
    public static ApiRequest List<T>(ListQuery query) where T : class, IObject<T> => List(Resources.Of<T>(), query);

    /// <param name="query">Its namespace and selectors count.</param>
    /// <param name="resourceVersion">Changes after this; empty with <paramref name="initialEvents"/>.</param>
    /// <param name="timeout">When the server shall end the watch.</param>
    /// <param name="initialEvents">What there is comes first, as ADDED events, up to an annotated bookmark (KEP-3157).</param>
    public static ApiRequest Watch(ResourceInfo of, ListQuery query, string resourceVersion, TimeSpan? timeout = null, bool initialEvents = false)
    {
        var parameters = Selection(query);
        Add(parameters, "watch", "true");
        Add(parameters, "allowWatchBookmarks", "true");
        if (resourceVersion.Length > 0) Add(parameters, "resourceVersion", resourceVersion);
        if (initialEvents)
        {
            Add(parameters, "sendInitialEvents", "true");
            Add(parameters, "resourceVersionMatch", "NotOlderThan");
        }
        if (timeout is { } after) Add(parameters, "timeoutSeconds", ((long)after.TotalSeconds).ToString(CultureInfo.InvariantCulture));
        return new() { Method = "GET", Path = of.Path(query.Namespace), Query = parameters, Kind = of.Kind };
    }

    /// <inheritdoc cref="Watch(ResourceInfo, ListQuery, string, TimeSpan?, bool)"/>
    public static ApiRequest Watch<T>(ListQuery query, string resourceVersion, TimeSpan? timeout = null, bool initialEvents = false) where T : class, IObject<T> =>
        Watch(Resources.Of<T>(), query, resourceVersion, timeout, initialEvents);

    /// <param name="obj">Of the resource's kind.</param>
    public static ApiRequest Create(ResourceInfo of, IObject obj) =>
        Carry(new() { Method = "POST", Path = of.Path(obj.Metadata.Namespace), Kind = of.Kind }, obj);

    /// <inheritdoc cref="Create(ResourceInfo, IObject)"/>
    public static ApiRequest Create<T>(T obj) where T : class, IObject<T> => Create(Resources.Of<T>(), obj);

    /// <summary>A subresource that is created: binding, eviction, token.</summary>
    public static ApiRequest Create<T>(Key of, string subresource, IKind body) where T : class, IObject<T> =>
        new() { Method = "POST", Path = Resources.Of<T>().Path(of.Namespace, of.Name, subresource), Object = body };

    /// <inheritdoc cref="Create(ResourceInfo, IObject)"/>
    public static ApiRequest Update(ResourceInfo of, IObject obj, string subresource = "") =>
        Carry(new() { Method = "PUT", Path = of.Path(obj.Metadata.Namespace, obj.Metadata.Name, subresource), Kind = of.Kind }, obj);

    /// <inheritdoc cref="Update(ResourceInfo, IObject, string)"/>
    public static ApiRequest Update<T>(T obj, string subresource = "") where T : class, IObject<T> => Update(Resources.Of<T>(), obj, subresource);

    /// <summary>A change of parts.</summary>
    public static ApiRequest Patch(ResourceInfo of, Key key, Patch patch, string subresource = "")
    {
        List<KeyValuePair<string, string>> parameters = [];
        if (patch.FieldManager.Length > 0) Add(parameters, "fieldManager", patch.FieldManager);
        if (patch.Force) Add(parameters, "force", "true");
        return new()
        {
            Method = "PATCH", Path = of.Path(key.Namespace, key.Name, subresource), Query = parameters,
            ContentType = patch.Type, Body = patch.Body, Kind = of.Kind,
        };
    }

    /// <inheritdoc cref="Patch(ResourceInfo, Key, Patch, string)"/>
    public static ApiRequest Patch<T>(Key key, Patch patch, string subresource = "") where T : class, IObject<T> =>
        Patch(Resources.Of<T>(), key, patch, subresource);

    /// <summary>The end of one object.</summary>
    public static ApiRequest Delete(ResourceInfo of, Key key, DeleteOptions options) =>
        new() { Method = "DELETE", Path = of.Path(key.Namespace, key.Name), Object = ReferenceEquals(options, DeleteOptions.Empty) ? null : options };

    /// <inheritdoc cref="Delete(ResourceInfo, Key, DeleteOptions)"/>
    public static ApiRequest Delete<T>(Key key, DeleteOptions options) where T : class, IObject<T> => Delete(Resources.Of<T>(), key, options);

    /// <summary>The end of all objects that a query finds.</summary>
    public static ApiRequest DeleteCollection(ResourceInfo of, ListQuery query, DeleteOptions options) =>
        List(of, query) with { Method = "DELETE", Object = ReferenceEquals(options, DeleteOptions.Empty) ? null : options };

    /// <inheritdoc cref="DeleteCollection(ResourceInfo, ListQuery, DeleteOptions)"/>
    public static ApiRequest DeleteCollection<T>(ListQuery query, DeleteOptions options) where T : class, IObject<T> =>
        DeleteCollection(Resources.Of<T>(), query, options);

    /// <summary>Built-in kinds go by reference, and the transport encodes them. The server knows no other kind's type: these go as JSON.</summary>
    static ApiRequest Carry(ApiRequest request, IObject obj) => obj.Kind().Resource is null ? request with { Object = obj }
        : request with { Body = obj.Kind().ToJson(obj), ContentType = "application/json" };

    static List<KeyValuePair<string, string>> Selection(ListQuery query)
    {
        List<KeyValuePair<string, string>> parameters = [];
        if (query.LabelSelector.Length > 0) Add(parameters, "labelSelector", query.LabelSelector);
        if (query.FieldSelector.Length > 0) Add(parameters, "fieldSelector", query.FieldSelector);
        return parameters;
    }

    static void Add(List<KeyValuePair<string, string>> to, string name, string value) => to.Add(new(name, value));
}
