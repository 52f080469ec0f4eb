using Hanbae.Api;

namespace Hanbae.Client;

/// <summary>Tells users what happened to an object, as Events: aggregated, rate-limited, never in the way of the work.</summary>
public interface IRecorder
{
    /// <param name="about">The object concerned.</param>
    /// <param name="type"><c>Normal</c> or <c>Warning</c>.</param>
    /// <param name="reason">CamelCase, for machines.</param>
    /// <param name="message">For people; at most 1,024 characters are kept.</param>
    /// <param name="fieldPath">The part concerned, such as <c>spec.containers{web}</c>.</param>
    void Event(IObject about, string type, string reason, string message, string fieldPath = "");

    /// <summary>The same with annotations on the Event, for programs that want to know more than people.</summary>
    void Annotated(IObject about, Map<string> annotations, string type, string reason, string message) => Event(about, type, reason, message);

    /// <summary>The same, for who works in several names: a scheduler speaks as the profile that a Pod asks for.</summary>
    /// <param name="component">Whose Events they are.</param>
    IRecorder For(string component) => this;
}

/// <summary>All that a component needs to work on a cluster.</summary>
/// <remarks>One for each component: its own identity, shared caches.</remarks>
public interface IClusterAccess
{
    /// <summary>Requests in the component's name.</summary>
    IClient Client { get; }
    /// <summary>The shared informer cache of a resource; the same instance for every caller. Started with the component.</summary>
    ICache<T> Cache<T>() where T : class, IObject<T>;
    /// <summary>A cache of a part of a resource, such as the Pods of one node.</summary>
    ICache<T> Cache<T>(ListQuery part) where T : class, IObject<T>;
    /// <summary>Events in the component's name.</summary>
    IRecorder Recorder { get; }
    /// <summary>The clock that the component keeps to.</summary>
    TimeProvider Time { get; }
}
