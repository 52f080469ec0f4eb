using Hanbae.Api;
using Hanbae.Client;

namespace Hanbae.Controllers.Tests;

/// <summary>For tests that ask a reconciler themselves and say what its cache shows.</summary>
sealed class OneCache<TObject>(IClient client, SharedCache<TObject> cache) : IClusterAccess where TObject : class, IObject<TObject>
{
    public IClient Client => client;
    public ICache<T> Cache<T>() where T : class, IObject<T> => (ICache<T>)(object)cache;
    public ICache<T> Cache<T>(ListQuery part) where T : class, IObject<T> => Cache<T>();
    public IRecorder Recorder { get; } = new TestRecorder();
    public TimeProvider Time => TimeProvider.System;
}
