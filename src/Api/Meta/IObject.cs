using Hanbae.Api.Codec;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Schema;

namespace Hanbae.Api;

/// <summary>Anything that says its kind and apiVersion on the wire.</summary>
public interface IKind : IMessage
{
    KindInfo Kind();
}

/// <inheritdoc cref="IKind"/>
public interface IKind<TSelf> : IKind, IMessage<TSelf> where TSelf : class, IKind<TSelf>
{
    static abstract KindInfo Info { get; }
}

/// <summary>An object with metadata: what is stored, listed and watched.</summary>
public interface IObject : IKind
{
    ObjectMeta Metadata { get; }
    /// <summary>The same object with other metadata.</summary>
    IObject WithMetadata(ObjectMeta metadata);
}

/// <inheritdoc cref="IObject"/>
public interface IObject<TSelf> : IObject, IKind<TSelf> where TSelf : class, IObject<TSelf>;
